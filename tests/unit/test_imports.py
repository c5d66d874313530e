"""Imports run one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import ROOT

ONLY_IN = {
    "sqlalchemy": ("image_spider/catalog/",),
    "alembic": ("image_spider/catalog/",),
    "psycopg2": ("image_spider/catalog/",),
    "PIL": ("image_spider/imaging/", "pipelines/images.py"),
    "onnxruntime": ("image_spider/topics/onnx_graph.py",),
    "redis": ("image_spider/broker/",),
    "obstore": ("image_spider/stores/object_client.py", "image_spider/stores/object_store.py"),
    "fastapi": ("console/",),
    "aiohttp_socks": ("image_spider/proxies/", "image_spider/proxied_downloads.py"),
    "pipelines": ("pipelines/",),
    "middlewares": ("middlewares/",),
    "console": ("console/",),
    "demo": (),
    "benchmarks": (),
    "deploy": (),
    "tests": (),
}
PURE = (
    "image_spider/imaging/",
    "image_spider/extract/",
    "image_spider/topics/",
    "image_spider/identity/",
    "image_spider/addresses.py",
    "image_spider/traps.py",
    "image_spider/proxies/",
    "image_spider/politeness/events.py",
    "image_spider/politeness/host_state.py",
    "image_spider/politeness/observation.py",
    "image_spider/politeness/pace.py",
    "image_spider/politeness/breaker.py",
    "image_spider/politeness/retry.py",
    "image_spider/politeness/robots.py",
    "image_spider/politeness/rules.py",
    "image_spider/urls.py",
    "image_spider/sitemap.py",
    "image_spider/stores/address.py",
    "image_spider/stores/object_errors.py",
    "image_spider/stores/paths.py",
    "image_spider/stores/placement.py",
)


def _modules() -> list[Path]:
    return [path for package in ("image_spider", "pipelines", "middlewares") for path in (ROOT / package).rglob("*.py")]


def _imported(path: Path) -> Iterator[str]:
    """Return the packages that a module imports when it runs; what only types need couples nothing."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for branch in [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]:
        branch.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_layer_may(path: Path):
    name = str(path.relative_to(ROOT))
    for package in set(_imported(path)):
        allowed = ONLY_IN.get(package)
        assert allowed is None or name.startswith(allowed or ("nowhere",)), f"{name} imports {package}"
        assert package not in {"scrapy", "twisted"} or not name.startswith(PURE), f"{name} imports {package}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_environment_is_read_in_one_place(path: Path):
    text = path.read_text(encoding="utf-8")
    assert path.name == "config.py" or ("os.environ" not in text and "getenv" not in text)
