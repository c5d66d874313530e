"""Where a process has the project's code from, and whether that is the egg that was deployed.

Scrapyd's runner puts an egg last on sys.path (pkg_resources' Distribution.activate): a copy that pip installed, a
checkout in Scrapyd's working directory or any package that is called `pipelines` wins over it, and says nothing. What
wins must be of this version or a newer one to be found out: an older copy of the project runs without asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from image_spider.exceptions import ShadowedEgg

PACKAGES = ("image_spider", "pipelines", "middlewares")


@dataclass(frozen=True)
class Origin:
    """The folder or the egg that holds the project's packages."""

    root: Path

    @property
    def is_egg(self) -> bool:
        """Whether it is an egg, zipped or not."""
        return self.root.is_file() or (self.root / "EGG-INFO").is_dir()

    def sha256(self) -> str:
        """Return the SHA-256 of a zipped egg, as a node reports it for each version; empty for a folder.

        Raises OSError when the egg is gone: a node may delete a version while it runs.
        """
        if not self.root.is_file():
            return ""
        with self.root.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def find_origin(path: Sequence[str]) -> Origin:
    """Return where the packages come from that `path`, a sys.path, gives.

    Raises ShadowedEgg when they come from several places, or when an egg of the project is on the path and another copy
    of the project wins.
    """
    # The second is for pip's editable copies, which an own finder finds where the path has none.
    specs = {package: PathFinder.find_spec(package, list(path)) or find_spec(package) for package in PACKAGES}
    roots = {package: _root(spec) for package, spec in specs.items()}
    ours = roots["image_spider"]
    assert ours, "this module lies in it"
    deployed = next((egg for egg in map(_own_egg, path) if egg and egg != ours), ours)
    for package, root in roots.items():
        if root is None:
            raise ShadowedEgg(f"{_named(deployed)} lacks the package {package}: build and deploy it again")
        if root != deployed:
            raise ShadowedEgg(
                f"{_named(deployed)} is shadowed: the package {package} comes from {root}, which is earlier on "
                "sys.path. Uninstall what is there (pip uninstall) or move it, and start Scrapyd in a folder of its own"
            )
    return Origin(ours)


def _own_egg(entry: str) -> Path | None:
    """Return the egg at an entry of sys.path, if it holds the project."""
    root = _root(PathFinder.find_spec("image_spider", [entry])) if entry else None
    return root if root and Origin(root).is_egg else None


def _root(spec: ModuleSpec | None) -> Path | None:
    """Return the folder or egg on sys.path in which a package or module lies."""
    if spec is None:
        return None
    if spec.origin is None:  # a namespace package: a folder without __init__.py, which only wins where nothing else is
        places = list(spec.submodule_search_locations or ())
        return Path(places[0]).resolve().parent if places else None
    file = Path(spec.origin).resolve()
    return file.parents[1] if spec.submodule_search_locations is not None else file.parent


def _named(root: Path) -> str:
    return f"the egg {root}" if Origin(root).is_egg else f"the project in {root}"
