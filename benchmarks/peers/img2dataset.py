"""img2dataset in a virtualenv of its own, for it pins packages that are older than ours."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gallery import Gallery

VERSION = "1.47.0"


@dataclass(frozen=True, slots=True)
class Img2dataset:
    """img2dataset with 2 processes of 32 threads, the images as large as they are, one shard for each process.

    With `--resize_mode no` it still decodes each image and encodes it anew; it hashes the bytes and reads EXIF, as is
    its default, and writes a row of metadata.
    """

    name: str
    program: str

    def commands(self, gallery: Gallery, folder: Path) -> list[list[str]]:
        """Write the list of URLs and return the one command."""
        urls = folder.with_name("urls.txt")
        urls.write_text("\n".join(gallery.image_urls()), encoding="utf-8")
        options = {
            "url_list": urls,
            "output_folder": "images",
            "output_format": "files",
            "resize_mode": "no",
            "processes_count": 2,
            "thread_count": 32,
            "number_sample_per_shard": -(-gallery.images // 2),
            "enable_wandb": False,
        }
        return [[self.program, *(f"--{name}={value}" for name, value in options.items())]]

    def environment(self) -> dict[str, str]:
        """Return an environment in which its library does not ask the network for news."""
        return os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1"}

    def stored(self, folder: Path) -> int:
        """Return the images."""
        return sum(1 for _ in folder.rglob("*.jpg"))


def command(cache: Path) -> str:
    """Return the program, installed below cache on first use; SystemExit when that fails."""
    folder = (cache / f"img2dataset-{VERSION}").absolute()
    program = folder / "bin/img2dataset"
    if not program.exists():
        print(f"Installing img2dataset {VERSION} into {folder} (0.9 GB, once) ...", file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, f"img2dataset=={VERSION}"], check=True, stderr=subprocess.PIPE, text=True)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"img2dataset was not installed: {error}\n{error.stderr or ''}") from error
    return str(program)
