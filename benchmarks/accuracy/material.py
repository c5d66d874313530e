"""Material: real files with known labels, fetched from Debian packages and wheels into a cache directory."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.accuracy.pages import render_pages
from benchmarks.accuracy.qt_resources import read_resources
from benchmarks.accuracy.reading import Reading
from benchmarks.accuracy.sources import BLANK_PACKAGES, SOURCES, WHEEL, Source
from image_spider.imaging.hashes import SAME_BITS, distance
from image_spider.imaging.working_copy import eight_bit

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One real file with the kind that its source gives it, and the part it plays: train, test or unseen."""

    path: Path
    kind: str
    package: str
    part: str


def fetch(cache: Path) -> None:
    """Download and unpack every Debian package that the cache does not hold yet (about 1.3 GB)."""
    cache.mkdir(parents=True, exist_ok=True)
    for package in sorted({source.package for source in SOURCES if not source.package.startswith(WHEEL)}):
        folder = cache / "unpacked" / package
        if folder.exists():
            continue
        command = ["apt-get", "download", "-q", package]
        if subprocess.run(command, cwd=cache, check=False, stdout=subprocess.DEVNULL).returncode:
            raise SystemExit(f"apt-get cannot download {package}: Debian 12 is needed, and `apt-get update` helps")
        archive = next(cache.glob(f"{package}_*.deb"))
        part = folder.with_suffix(".part")
        part.mkdir(parents=True, exist_ok=True)  # dpkg makes no folder above the last
        subprocess.run(["dpkg", "-x", archive, part], check=True)
        for resource in sorted(part.rglob("*.rcc")):
            for name, content in read_resources(resource):
                inner = part / name
                inner.parent.mkdir(parents=True, exist_ok=True)
                inner.write_bytes(content)
        part.rename(folder)
        archive.unlink()


def labelled_files(cache: Path) -> list[Labelled]:
    """List the labelled files; a file stands once, and its half is decided by the hash of its name."""
    found: dict[str, Labelled] = {}
    for source in SOURCES:
        for path in _files(cache, source):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found.setdefault(digest, Labelled(path, source.kind, source.package, _part(path, unseen=source.unseen)))
    for path, package in _blank_files(cache):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found[digest] = Labelled(path, "blank", package, _part(path, unseen=False))
    return list(found.values())


def without_near_duplicates(readings: Sequence[tuple[Labelled, Reading]]) -> list[tuple[Labelled, Reading]]:
    """Keep one file of each group of near-duplicates, so that no picture stands in both halves."""
    kept: list[tuple[Labelled, Reading]] = []
    hashes: list[str] = []
    for file, reading in readings:
        phash = reading.hashes.phash_256
        if phash is None:
            kept.append((file, reading))
        elif all(distance(phash, other) > SAME_BITS for other in hashes):
            kept.append((file, reading))
            hashes.append(phash)
    return kept


def _files(cache: Path, source: Source) -> list[Path]:
    if source.package.startswith(WHEEL):
        spec = importlib.util.find_spec(source.package.removeprefix(WHEEL))
        if spec is None or spec.origin is None:
            raise SystemExit(f"{source.package} is not installed: make .venv/bench.installed")
        root = Path(spec.origin).parent
    else:
        root = cache / "unpacked" / source.package
    paths = [path for path in sorted(root.glob(source.pattern)) if path.is_file() and not path.is_symlink()]
    paths = [path for path in paths if re.search(source.only, str(path))]
    if source.exclude:
        paths = [path for path in paths if not re.search(source.exclude, str(path))]
    if source.kind == "document":
        pdfs = [path for path in paths if path.suffix == ".pdf"]
        rendered = render_pages(pdfs, source.limit, cache / "pages" / source.package) if pdfs else []
        return rendered + [path for path in paths if path.suffix != ".pdf"]
    if source.minimum_side:
        paths = [path for path in paths if min(_size(path)) >= source.minimum_side]
    return evenly(paths, source.limit)


def evenly(paths: list[Path], limit: int) -> list[Path]:
    """Take at most limit elements, at equal steps."""
    if len(paths) <= limit:
        return paths
    return [paths[index * len(paths) // limit] for index in range(limit)]


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _part(path: Path, *, unseen: bool) -> str:
    if unseen:
        return "unseen"
    # The folder and name without size: two sizes of one picture fall in the same half.
    name = re.sub(r"\d+x\d+", "", path.stem)
    return "train" if hashlib.sha256(name.encode()).digest()[0] % 2 else "test"


def _blank_files(cache: Path) -> Iterator[tuple[Path, str]]:
    """Find up to 12 files of one colour in a package: on white and on black no two pixels differ by over 2 levels."""
    for package in BLANK_PACKAGES:
        taken = 0
        for path in sorted((cache / "unpacked" / package).rglob("*")):
            if taken >= 12 or path.suffix.lower() not in IMAGE_ENDINGS or path.is_symlink() or not path.is_file():
                continue
            if path.stat().st_size <= 40_000 and _is_one_colour(path):
                taken += 1
                yield path, package


def _is_one_colour(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            if min(image.size) < 4 or image.width * image.height > 20_000_000:
                return False
            plain = eight_bit(image)
            return all(_spread(plain, ground) <= 2 for ground in ("white", "black"))
    except (OSError, ValueError, SyntaxError):
        return False


def _spread(image: Image.Image, ground: str) -> int:
    canvas = Image.new("RGB", image.size, ground)
    canvas.paste(image.convert("RGB"), mask=image.getchannel("A") if image.mode == "RGBA" else None)
    return int(np.ptp(np.asarray(canvas), axis=(0, 1)).max())
