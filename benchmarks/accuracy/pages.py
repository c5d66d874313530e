"""Pages of PDF files as pictures: half as rendered, half as a scanner would have seen them."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter

RESOLUTIONS = (72, 96, 150)


def render_pages(pdfs: list[Path], limit: int, folder: Path) -> list[Path]:
    """Render up to limit pages, spread over the PDF files, into folder; return the paths of the pictures.

    Every second page is made to look scanned: turned by up to one degree, softened, noisy, on a gray ground, saved
    as JPEG. These are the only pictures of the content benchmark that were altered.
    """
    if folder.exists():
        return sorted(folder.iterdir())
    part = folder.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    per_file = max(1, -(-limit // len(pdfs)))
    count = 0
    for path in pdfs:
        document = pypdfium2.PdfDocument(path)
        step = max(1, len(document) // (per_file + 1))
        for number in range(step, len(document), step)[:per_file] or range(1):
            if count >= limit:
                break
            image = document[number].render(scale=RESOLUTIONS[count % 3] / 72).to_pil().convert("RGB")
            name = f"{path.stem}-{number}-{zlib.crc32(str(path).encode()):08x}"
            if count % 2:
                scanned(image, count).save(part / f"{name}.jpg", quality=60 + count % 30)
            else:
                image.save(part / f"{name}.png")
            count += 1
        document.close()
    part.rename(folder)
    return sorted(folder.iterdir())


def scanned(image: Image.Image, seed: int) -> Image.Image:
    """Make a clean page look scanned."""
    random = np.random.default_rng(seed)
    gray = image.convert("L").rotate(float(random.uniform(-1, 1)), Image.Resampling.BICUBIC, fillcolor=255)
    gray = gray.filter(ImageFilter.GaussianBlur(float(random.uniform(0.3, 0.9))))
    values = np.asarray(gray, dtype=np.float64)
    paper = float(random.uniform(215, 245))
    values = 30 + values * (paper - 30) / 255 + random.normal(0, random.uniform(2, 6), values.shape)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
