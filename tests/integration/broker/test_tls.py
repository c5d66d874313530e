"""The frontier over TLS: REDIS_URL=rediss://..., before a real Redis."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from image_spider.exceptions import UsageError
from tests.integration.broker.conftest import Fleet
from tests.redis_servers import RedisServer
from tests.tls import Certificate, TlsProxy, certificate


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("own"))


def test_the_frontier_works_over_tls(redis_server: RedisServer, own: Certificate):
    async def main() -> None:
        proxy = TlsProxy(target=redis_server.port, certificate=own)
        await proxy.start()
        fleet = Fleet(f"rediss://127.0.0.1:{proxy.port}/0?ssl_ca_certs={own.file}")
        await fleet.client.connect()
        await fleet.join("w")
        assert await fleet.push("a", "b") == [1, 1]
        proxy.cut()
        leases = await fleet.lease()
        assert (await fleet.finish(*leases.leases)).finished == 2
        await fleet.client.close()
        await proxy.stop()

    asyncio.run(main())


async def _refused(proxy: TlsProxy, options: str) -> str:
    await proxy.start()
    fleet = Fleet(f"rediss://user:secret@127.0.0.1:{proxy.port}/0{options}")
    try:
        with pytest.raises(UsageError) as caught:
            await fleet.client.connect()
    finally:
        await fleet.client.close()
        await proxy.stop()
    return str(caught.value)


@pytest.mark.parametrize("trusted", ["nobody's", "another's"])
def test_a_certificate_that_nobody_vouches_for_is_a_wrong_url(
    redis_server: RedisServer, own: Certificate, trusted: str, tmp_path: Path
):
    options = f"?ssl_ca_certs={certificate(tmp_path).file}" if trusted == "another's" else ""
    told = asyncio.run(_refused(TlsProxy(target=redis_server.port, certificate=own), options))
    assert "REDIS_URL='rediss://***@127.0.0.1" in told
    assert "certificate verify failed: self-signed certificate" in told
    assert "secret" not in told


def test_a_certificate_for_another_address_is_a_wrong_url(redis_server: RedisServer, tmp_path: Path):
    other = certificate(tmp_path, address="127.0.0.2")
    told = asyncio.run(_refused(TlsProxy(target=redis_server.port, certificate=other), f"?ssl_ca_certs={other.file}"))
    assert "certificate is not valid for '127.0.0.1'" in told


@pytest.mark.parametrize("broken", [False, True])
def test_a_file_of_authorities_that_cannot_be_read_is_a_wrong_url(
    redis_server: RedisServer, own: Certificate, broken: bool, tmp_path: Path
):
    file = tmp_path / "authorities.pem"
    if broken:
        file.write_text("not a certificate")
    told = asyncio.run(_refused(TlsProxy(target=redis_server.port, certificate=own), f"?ssl_ca_certs={file}"))
    assert str(file) in told
