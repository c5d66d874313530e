"""Which addresses and URLs are refused, without a network."""

from __future__ import annotations

import ipaddress
import random

import pytest

from image_spider.addresses import AddressRules, is_local_name
from tests.hostile.hosts import NETWORKS, v4_forms, v6_forms

INTERNET = AddressRules()
GOOD = [
    "http://example.com/",
    "https://example.com:8443/a?b#c",
    "http://user:password@example.com/",
    "http://xn--bcher-kva.example/",
    "http://8.8.8.8/",
    "http://1.1.1.1:8080/",
    "http://[2606:4700:4700::1111]/",
    "http://[2a00:1450:4001:82a::200e]:8080/",
    "http://172.32.0.1/",
    "http://100.128.0.1/",
    "http://192.169.0.1/",
    "http://223.255.255.255/",
    "http://example.com.:80/",
    "http://a_b.example.com/",
    "http://0x.example.com/",
    "http://1.example/",
    "http://deadbeef.example/",
]


@pytest.mark.parametrize("url", GOOD)
def test_the_internet_is_fetched(url: str):
    assert INTERNET.refusal_of_url(url) == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "scheme"),
        ("data:text/html,x", "scheme"),
        ("http:///path", "no host name"),
        ("http://", "no host name"),
        ("http://example.com:99999/", "no usable address"),
        ("http://[::1/", "no usable address"),
        ("http://example.com:6379/", "another protocol"),
        ("http://example.com:25/", "another protocol"),
        ("http://127.0.0.1\\@example.com/", "read differently"),
        ("http://2130706433/", "written so as not to look like one"),
        ("http://127.1/", "written so as not to look like one"),
        ("http://example.0x7f/", "written so as not to look like one"),
        ("http://metadata.google.internal/computeMetadata/v1/", "metadata"),
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://[64:ff9b::808:808]/", "NAT64"),
        ("http://[2002:808:808::]/", "6to4"),
        ("http://a..example/", "no host name"),
        (f"http://{'a.' * 127}example/", "no host name"),
    ],
)
def test_what_leads_elsewhere_is_refused_with_a_reason(url: str, reason: str):
    assert reason in INTERNET.refusal_of_url(url)


def test_every_network_that_is_not_the_internet_is_refused():
    for text in NETWORKS:
        assert INTERNET.refusal_of_host(text.strip("[]")), text


def test_what_python_takes_for_private_is_refused_and_hardly_more():
    chosen = random.Random(6)
    addresses = [ipaddress.IPv4Address(chosen.getrandbits(32)) for _ in range(20_000)]
    refused = {address for address in addresses if INTERNET.refusal(address)}
    private = {address for address in addresses if not address.is_global or address.is_multicast}
    assert private <= refused
    assert len(refused - private) < 5


def test_an_allowed_network_is_the_only_exception():
    rules = AddressRules.of("127.0.0.0/8, fd00::/8,,10.1.2.3")
    for host in ("127.0.0.1", "127.9.9.9", "fd00:ec2::254", "10.1.2.3", "localhost", "a.localhost"):
        assert rules.refusal_of_host(host) == "", host
    for host in ("10.1.2.4", "::1", "127.1", "2130706433", "169.254.169.254", "metadata"):
        assert rules.refusal_of_host(host), host


@pytest.mark.parametrize("form", [*v6_forms("127.0.0.1")])
def test_an_allowed_ipv4_network_does_not_allow_what_stands_for_it(form: str):
    host = form.strip("[]")
    assert AddressRules.of("127.0.0.0/8").refusal_of_host(host)
    assert AddressRules.of("::/0").refusal_of_host(host), "both must be allowed"
    assert AddressRules.of("127.0.0.0/8,::/0").refusal_of_host(host) == ""


def test_a_translating_network_can_be_allowed_without_what_lies_behind_it():
    rules = AddressRules.of("64:ff9b::/96")  # NAT64: how a network without IPv4 reaches the old internet
    assert rules.refusal(ipaddress.ip_address("64:ff9b::808:808")) == ""
    assert "loopback" in rules.refusal(ipaddress.ip_address("64:ff9b::7f00:1"))


@pytest.mark.parametrize("form", [*v4_forms("8.8.8.8")])
def test_a_good_address_is_fetched_in_its_ordinary_form_alone(form: str):
    assert bool(INTERNET.refusal_of_host(form.lower())) == (form != "8.8.8.8")


@pytest.mark.parametrize(
    ("name", "local"),
    [("redis", True), ("wiki.corp", True), ("a.b.internal", True), ("printer.local.", True), ("example.com", False)],
)
def test_names_that_mean_something_else_in_each_network_are_known(name: str, local: bool):
    assert is_local_name(name) == local


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/33", "10.0.0.1/8", "1.2.3"])
def test_what_is_no_network_is_no_exception(text: str):
    with pytest.raises(ValueError, match=r".+"):
        AddressRules.of(text)
