"""Near-duplicates: altered copies of real photographs, by our hashes and by imagededup's."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.distortions import jpeg, scaled
from benchmarks.accuracy.flags import base_image, large_photographs
from benchmarks.accuracy.material import Labelled
from benchmarks.accuracy.reading import ORIENTATION, Reading, read
from benchmarks.accuracy.tables import Table, percent
from image_spider.catalog.duplicates import SEARCHED
from image_spider.catalog.range_search import MOST_BITS as CANDIDATE_BITS
from image_spider.imaging.hashes import NEAR_BITS, SAME_BITS

IMAGEDEDUP_BITS = 10
"""imagededup's default maximum distance."""
KNOWN_COPIES = re.compile("/CategoryImages/|/categorization/.*/monuments/|/left02|/box_in_scene")
"""Photographs of which the same packages hold another copy or view: left out, so that truth needs no hash."""

Bits = NDArray[np.float32]


def cropped(image: Image.Image, share: float, *, one_side: bool = False) -> Image.Image:
    """Cut off a share of the width and of the height: half at each side, or all of it left and top."""
    across, down = image.width * share, image.height * share
    if one_side:
        return image.crop((round(across), round(down), image.width, image.height))
    return image.crop(
        (round(across / 2), round(down / 2), image.width - round(across / 2), image.height - round(down / 2))
    )


def watermarked(image: Image.Image) -> Image.Image:
    """Write a half-transparent line over the middle and a solid mark into the corner."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    size = image.width // 12
    pen.text(image.size, "PREVIEW COPY", (255, 255, 255, 110), ImageFont.load_default(size), anchor="rs")
    middle = (image.width // 2, image.height // 2)
    pen.text(middle, "PREVIEW COPY", (255, 255, 255, 110), ImageFont.load_default(size), anchor="mm")
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def turned(image: Image.Image) -> bytes:
    """Turn the pixels by 90 degrees and say so in EXIF, as a camera held upright does."""
    sideways = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    buffer = io.BytesIO()
    sideways.save(buffer, "JPEG", quality=92, exif=exif)
    return buffer.getvalue()


def _resized(image: Image.Image, share: float) -> Image.Image:
    return image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.LANCZOS)


LEVELS: tuple[tuple[str, Callable[[Image.Image], bytes]], ...] = (
    ("resized to 75 %", lambda image: jpeg(_resized(image, 0.75))),
    ("resized to 50 %", lambda image: jpeg(_resized(image, 0.5))),
    ("resized to 25 %", lambda image: jpeg(_resized(image, 0.25))),
    ("JPEG q 70", lambda image: jpeg(image, 70)),
    ("JPEG q 40", lambda image: jpeg(image, 40)),
    ("JPEG q 20", lambda image: jpeg(image, 20)),
    ("cropped 1.25 % at each edge", lambda image: jpeg(cropped(image, 0.025))),
    ("cropped 2.5 % at each edge", lambda image: jpeg(cropped(image, 0.05))),
    ("cropped 5 % left and top", lambda image: jpeg(cropped(image, 0.05, one_side=True))),
    ("brightness x 0.8", lambda image: jpeg(scaled(image, 0.8))),
    ("brightness x 1.25", lambda image: jpeg(scaled(image, 1.25))),
    ("watermark", lambda image: jpeg(watermarked(image))),
    ("turned 90 degrees, EXIF says so", turned),
)


@dataclass(frozen=True, slots=True)
class HashSet:
    """The hashes of several pictures as rows of bits; valid tells which pictures have a hash at all."""

    bits: Bits
    valid: NDArray[np.bool_]

    def within(self, other: HashSet, distance: int) -> NDArray[np.bool_]:
        """Tell for every pair whether both have a hash and lie within the distance."""
        sums = self.bits.sum(axis=1)[:, None] + other.bits.sum(axis=1)[None, :]
        distances = sums - 2 * self.bits @ other.bits.T
        result: NDArray[np.bool_] = (distances <= distance) & self.valid[:, None] & other.valid[None, :]
        return result


def hash_set(hashes: Sequence[str | None], digits: int) -> HashSet:
    """Unpack hex hashes to bits."""
    known = [text or "0" * digits for text in hashes]
    bits = np.unpackbits(np.array([list(bytes.fromhex(text)) for text in known], dtype=np.uint8), axis=1)
    return HashSet(bits.astype(np.float32), np.array([text is not None for text in hashes]))


def measure_near_duplicates(files: Sequence[Labelled], readings: Sequence[tuple[Labelled, Reading]]) -> list[Table]:
    """Compare every altered copy with every original."""
    photographs = [file for file in large_photographs(files) if not KNOWN_COPIES.search(str(file.path))]
    bases = [base_image(file.path) for file in photographs]
    encoder = imagededup_phash()
    first, first_theirs = _hashes([jpeg(base) for base in bases], encoder)
    rows = []
    for name, alter in LEVELS:
        copies, copies_theirs = _hashes([alter(base) for base in bases], encoder)
        candidate = {
            "phash_64": copies["phash_64"].within(first["phash_64"], CANDIDATE_BITS),
            "dhash_64": copies["dhash_64"].within(first["dhash_64"], CANDIDATE_BITS),
        }
        near = copies["phash_256"].within(first["phash_256"], NEAR_BITS)
        found = [
            copies["phash_256"].within(first["phash_256"], SAME_BITS),
            near,
            near & candidate[SEARCHED],
            copies_theirs.within(first_theirs, IMAGEDEDUP_BITS),
        ]
        cells = [cell for pairs in found for cell in _cells(pairs)]
        reached = [candidate["phash_64"], candidate["dhash_64"], candidate["phash_64"] | candidate["dhash_64"]]
        rows.append([name, *cells, *(percent(pairs.diagonal().sum(), len(bases)) for pairs in reached)])
    head = ["copy", "same: precision", "recall", "near: precision", "recall", "a crawl links: precision", "recall"]
    head += ["imagededup: precision", "recall", "phash_64 <= 7", "dhash_64 <= 7", "either"]
    note = f"A crawl links what lies within {CANDIDATE_BITS} bits of {SEARCHED} and {NEAR_BITS} of phash_256. "
    note += "The last three columns: copies that a search by 64-bit hashes would reach."
    copies_table = Table("near-duplicates", f"Altered copies of {len(bases)} photographs, per cent", head, rows, note)
    return [copies_table, _unrelated(readings)]


def _hashes(data: Sequence[bytes], encoder: Callable[[Sequence[bytes]], HashSet]) -> tuple[dict[str, HashSet], HashSet]:
    found = [read(one).hashes for one in data]
    ours = {
        "phash_256": hash_set([one.phash_256 for one in found], 64),
        "phash_64": hash_set([one.phash_64 for one in found], 16),
        "dhash_64": hash_set([one.dhash_64 for one in found], 16),
    }
    return ours, encoder(data)


def _cells(pairs: NDArray[np.bool_]) -> list[str]:
    right = int(pairs.diagonal().sum())
    return [percent(right, int(pairs.sum())), percent(right, len(pairs))]


def _unrelated(readings: Sequence[tuple[Labelled, Reading]]) -> Table:
    """Count pairs of different files of one kind that the hashes call same or near."""
    rows = []
    for kind in ("photo", "illustration", "graphic", "screenshot", "icon", "document"):
        chosen = [
            reading for file, reading in readings if file.kind == kind and not KNOWN_COPIES.search(str(file.path))
        ]
        hashes = hash_set([reading.hashes.phash_256 for reading in chosen], 64)
        above = np.triu(np.ones((len(chosen), len(chosen)), dtype=np.bool_), 1)
        counts = [int((hashes.within(hashes, limit) & above).sum()) for limit in (SAME_BITS, NEAR_BITS)]
        without = len(chosen) - int(hashes.valid.sum())
        rows.append([kind, str(len(chosen)), str(int(above.sum())), str(without), *(str(count) for count in counts)])
    head = ["kind", "files", "pairs", "without a hash", "pairs called same", "pairs called near"]
    return Table("unrelated", "Pairs of different files", head, rows)


def imagededup_phash() -> Callable[[Sequence[bytes]], HashSet]:
    """Load imagededup's PHash without its neural part.

    `import imagededup` wants torchvision, of which there is no build for a CPU-only torch here. Its hashing module
    uses neither; the package and the module of network models are replaced by empty ones before it is imported.
    """
    spec = importlib.util.find_spec("imagededup")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit("imagededup is not installed: make .venv/bench.installed")
    root = spec.submodule_search_locations[0]
    methods: Any = types.ModuleType("imagededup.methods")
    methods.__path__ = [str(Path(root) / "methods")]
    models: Any = types.ModuleType("imagededup.utils.models")
    models.CustomModel = object
    sys.modules |= {"imagededup.methods": methods, "imagededup.utils.models": models}
    hashing = importlib.import_module("imagededup.methods.hashing")
    phash = hashing.PHash(verbose=False)

    def encode(data: Sequence[bytes]) -> HashSet:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "copy.jpg"
            texts = []
            for one in data:
                path.write_bytes(one)
                texts.append(phash.encode_image(image_file=str(path)))
        return hash_set(texts, 16)

    return encode
