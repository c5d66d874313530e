"""Lists of proxies in files, and probes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_spider.exceptions import UsageError
from image_spider.proxies.prober import Prober
from image_spider.proxies.proxy import parse
from image_spider.proxies.sources import FileSource, ListSource
from tests.proxies import RealProxy
from tests.servers import free_port
from tests.sites import Site


def write(file: Path, text: str) -> None:
    """Replace a file at once, as editors do."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def test_a_file_is_read_again_when_it_changes(tmp_path: Path):
    file = tmp_path / "proxies.txt"
    write(file, "a:1\nb:2\n")
    source = FileSource(file)
    assert [proxy.host for proxy in source.read()] == ["a", "b"]
    assert source.changed() is None
    write(file, "b:2\nc:3\n")
    assert [proxy.host for proxy in source.changed() or ()] == ["b", "c"]
    assert source.changed() is None


@pytest.mark.parametrize("text", ["", "me:geheim@nowhere\n"])
def test_a_file_that_became_bad_is_told_once_and_not_taken(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture):
    file = tmp_path / "proxies.txt"
    write(file, "a:1\n")
    source = FileSource(file)
    source.read()
    with caplog.at_level(logging.WARNING):
        write(file, text)
        assert source.changed() is None
        assert source.changed() is None
        file.unlink()
        assert source.changed() is None
    assert len(caplog.records) == 1
    assert "geheim" not in caplog.text


def test_a_list_that_is_empty_or_missing_is_refused(tmp_path: Path):
    for source in (FileSource(tmp_path / "none"), FileSource(Path(os.devnull)), ListSource("")):
        with pytest.raises(UsageError, match="PROXY_"):
            source.read()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site({"/health": "well"}) as site:
        yield site


def probe(proxies: list[str], *, url: str = "", seconds: float = 20) -> list[str]:
    async def main() -> dict[str, str]:
        prober = Prober(url=url, timeout_seconds=seconds)
        try:
            return await prober.probe(map(parse, proxies))
        finally:
            await prober.close()

    return list(asyncio.run(main()).values())


def test_a_probe_without_a_url_tells_who_is_there():
    with RealProxy(mood="cut") as proxy:
        there, gone = probe([proxy.url(), f"127.0.0.1:{free_port()}"])
    assert there == ""
    assert "ConnectionRefusedError" in gone


def test_a_probe_with_a_url_tells_who_works(site: Site):
    with RealProxy(credentials=("me", "right")) as proxy, RealProxy(mood="lost") as lost, RealProxy(mood="cut") as cut:
        wrong = f"you:geheim@127.0.0.1:{proxy.port}"
        told = probe(
            [proxy.url(), proxy.url("socks5"), wrong, lost.url(), cut.url("socks5")],
            url=f"{site.url}/health",
        )
    assert told[:2] == ["", ""]
    assert "wants other credentials" in told[2]
    assert all(told[2:])
    assert "geheim" not in "".join(told)


def test_a_probe_of_a_proxy_that_hangs_ends(site: Site):
    with RealProxy(mood="hang") as proxy:
        assert probe([proxy.url()], url=f"{site.url}/health", seconds=0.3) == ["no answer to a probe"]
