"""The egg that is deployed: built once, and proved to work before any node sees it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from configparser import ConfigParser
from configparser import Error as ConfigurationError
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deploy.deployment.target import DeploymentError

BUILD_SECONDS = 300.0
LIST_SECONDS = 60.0  # `scrapy list` takes one or two
LAST_LINES = 6
NODE_PACKAGE = Path(__file__).resolve().parent.parent / "scrapyd"
# As our node checks an egg; stock Scrapyd runs `scrapy list` alone, which imports no pipeline.
CHECK = """
import sys
from image_spider_node.runner import faults_of_components
from scrapy.cmdline import execute
if faults := faults_of_components():
    sys.exit("\\n".join(faults))
execute(["scrapy", "list", "-s", "LOG_STDOUT=0"])
"""
# The listing must not see this machine's checkout, settings or servers; a node has its own.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


class EggRefused(DeploymentError):
    """The egg cannot be built, or does not work; no node has seen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Egg:
    """A built project: the bytes that every node gets, the name of this version, and what `scrapy list` says."""

    version: str
    content: bytes
    sha256: str
    spiders: tuple[str, ...]


def default_version(project: Path, now: datetime) -> str:
    """Return such as 20261120-221530-8e0b33d: later ones sort last, and it holds only what Scrapyd keeps in names.

    The commit is left out where there is none; `-changed` says that the checkout is not that commit.
    """
    commit = _git(project, "rev-parse", "--short", "HEAD")
    changed = "-changed" if commit and _git(project, "status", "--porcelain") else ""
    return f"{now:%Y%m%d-%H%M%S}{'-' if commit else ''}{commit}{changed}"


def build_egg(project: Path, folder: Path) -> Path:
    """Build the project's egg below an empty folder, and leave the checkout as it is; raises EggRefused."""
    (folder / "info").mkdir()
    command: list[str | Path] = [
        *(sys.executable, "setup.py", "-q"),
        *("egg_info", "--egg-base", folder / "info"),
        *("build", "--build-base", folder / "build"),
        *("bdist_egg", "--bdist-dir", folder / "work", "--dist-dir", folder / "egg"),
    ]
    try:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise EggRefused(f"the egg was not built within {BUILD_SECONDS:.0f} s") from error
    eggs = list((folder / "egg").glob("*.egg"))
    if done.returncode or len(eggs) != 1:
        raise EggRefused(f"the egg cannot be built: {_last_lines(done.stderr or done.stdout)}")
    return eggs[0]


def read_egg(file: Path, *, version: str, seconds: float = LIST_SECONDS) -> Egg:
    """Read an egg, import its components and run `scrapy list` from it in a child process; raises EggRefused."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise EggRefused(f"the egg {file} cannot be read: {error.strerror}") from error
    settings = _settings_module(file)
    with tempfile.TemporaryDirectory(prefix="scrapy-list-") as folder:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        path = os.pathsep.join([str(file.resolve()), str(NODE_PACKAGE)])
        environment |= {"PYTHONPATH": path, "SCRAPY_SETTINGS_MODULE": settings, "PYTHONUTF8": "1"}
        try:
            done = subprocess.run(
                [sys.executable, "-c", CHECK],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EggRefused(
                f"the egg is refused: `scrapy list` did not end within {seconds:g} s, an import in it does not return"
            ) from error
    spiders = tuple(done.stdout.split())
    if done.returncode or not spiders:
        reason = _last_lines(done.stderr) or "it lists no spider"
        raise EggRefused(f"the egg is refused, for `scrapy list` fails in it: {reason}")
    return Egg(version=version, content=content, sha256=hashlib.sha256(content).hexdigest(), spiders=spiders)


def _settings_module(file: Path) -> str:
    """Return what the egg names as Scrapy's settings, as Scrapyd finds it."""
    points = ConfigParser(delimiters=("=",))
    try:
        with zipfile.ZipFile(file) as archive:
            if damaged := archive.testzip():
                raise EggRefused(f"the egg {file} is damaged: {damaged}")
            points.read_string(archive.read("EGG-INFO/entry_points.txt").decode())
        return points["scrapy"]["settings"].strip()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise EggRefused(f"{file} is no egg, or only a part of one, or damaged: {error}") from error
    except (KeyError, ConfigurationError, UnicodeDecodeError) as error:
        raise EggRefused(f"{file} is no egg of a Scrapy project: it names no settings in its entry points") from error


def _git(project: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=project, capture_output=True, text=True, check=False)
    except OSError:
        return ""  # no git here: the time alone names the version
    return done.stdout.strip()


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-LAST_LINES:])
