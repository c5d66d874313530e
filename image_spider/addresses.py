"""Which addresses a crawler must not be led to, and why: pure, no look-up.

Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates), the clouds' own pages for
their metadata services, https://url.spec.whatwg.org/#host-parsing for how browsers read hosts, and
https://fetch.spec.whatwg.org/#port-blocking for ports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self
from urllib.parse import ParseResult, SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA = "a cloud's metadata service"
# Single addresses first: the name of what stands there says more than that of its network.
_SPECIAL = (
    ("169.254.169.254", METADATA), ("169.254.170.2", METADATA), ("169.254.170.23", METADATA),
    ("100.100.100.200", METADATA), ("192.0.0.192", METADATA), ("168.63.129.16", METADATA),
    ("fd00:ec2::254", METADATA), ("fd00:ec2::23", METADATA), ("fd20:ce::254", METADATA),
    ("0.0.0.0/32", "unspecified"), ("0.0.0.0/8", "this network"), ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"), ("127.0.0.0/8", "loopback"), ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"), ("192.0.0.0/24", "reserved"), ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"), ("192.168.0.0/16", "private"), ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"), ("203.0.113.0/24", "documentation"), ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"), ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"), ("::1/128", "loopback"), ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"), ("::/96", "IPv4-compatible"), ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "local NAT64"), ("100::/64", "discard-only"), ("2001::/32", "Teredo"),
    ("2001:db8::/32", "documentation"), ("2001::/23", "reserved"), ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"), ("5f00::/16", "segment routing"), ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"), ("fec0::/10", "site-local"), ("ff00::/8", "multicast"),
)  # fmt: skip
_NETWORKS = {
    version: tuple((network, kind) for text, kind in _SPECIAL if (network := ip_network(text)).version == version)
    for version in (4, 6)
}
_GLOBAL = IPv6Network("2000::/3")  # all that is given out so far
# RFC 5214: the last 32 bits are an IPv4 address.
_ISATAP = re.compile(rb".{8}(?:\x00|\x02)\x00\x5e\xfe(.{4})", re.DOTALL)

# Services that give out credentials to whoever asks; some proxies resolve them where we cannot.
_METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
# Names that mean something else in each network: RFC 6761, 6762, 8375, and ICANN's .internal.
_LOCAL_NAME = re.compile(r"[^.]+|.*\.(?:localhost|local|internal|intranet|corp|lan|home|localdomain|home\.arpa)")

_NAME = re.compile(r"(?=.{1,254}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
_DOTTED_QUAD = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")
_BAD_NETLOC = re.compile(r"[\s\\\x00-\x1f\x7f]")

# The Fetch standard's, and those of Redis and memcached, which take a line of HTTP for one of their own.
_BAD_PORTS = frozenset(
    {
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
        110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530,
        531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190,
        5060, 5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What may be fetched: public addresses, and the networks that the user allowed.

    An IPv6 address that stands for an IPv4 one must be allowed itself, and what it stands for must be good too:
    allowing 127.0.0.0/8 does not allow ::ffff:127.0.0.1.
    """

    allowed: tuple[Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Read networks, comma-separated: `127.0.0.0/8, ::1`; raises ValueError."""
        return cls(tuple(ip_network(part.strip()) for part in text.split(",") if part.strip()))

    def refusal(self, address: Address) -> str:
        """Return why an address is not connected to, or nothing."""
        if isinstance(address, IPv6Address):
            if address.scope_id is not None:
                return f"{address} is an address of one network"
            inner = _embedded(address)
            if inner is not None and (reason := self.refusal(inner)):
                return f"{address} stands for {inner}: {reason}"
        if any(address in network for network in self.allowed):
            return ""
        kind = _kind(address)
        return f"{address} is {kind}" if kind else ""

    def refusal_of_url(self, url: str | SplitResult | ParseResult) -> str:
        """Return why a URL is not fetched, as far as it can be told without a look-up, or nothing."""
        try:
            parts = urlsplit(url) if isinstance(url, str) else url
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            return f"no usable address: {error}"
        if parts.scheme not in ("http", "https"):
            return f"the scheme {parts.scheme!r} is not fetched"
        if _BAD_NETLOC.search(parts.netloc):
            return f"{parts.netloc!r} holds characters that programs read differently"
        if port is not None and port in _BAD_PORTS:
            return f"port {port} belongs to another protocol"
        return self.refusal_of_host(host)

    def refusal_of_host(self, host: str) -> str:
        """Return why a host, as urlsplit gives it, is not connected to; nothing for a name that is to be looked up."""
        try:
            literal = literal_address(host)
        except ValueError as error:
            return str(error)
        if literal is not None:
            return self.refusal(literal)
        name = host.rstrip(".")
        if name == "localhost" or name.endswith(".localhost"):  # RFC 6761: loopback, whatever a server says
            return self.refusal(IPv4Address("127.0.0.1"))
        return f"{host} is {METADATA}" if name in _METADATA_NAMES else ""


def literal_address(host: str) -> Address | None:
    """Return the address that a host is, None for a name; raises ValueError for what is neither, or hides what it is.

    Decimal, octal, hexadecimal and short forms of IPv4 addresses (2130706433, 0177.0.0.1, 0x7f.1, 127.1) are refused
    whatever they mean: the C library connects to them, and no site needs them. So are percent-encoded hosts and those
    that are not ASCII; Scrapy has made Punycode and plain digits of what IDNA allows.
    """
    if ":" in host:
        return IPv6Address(host)
    if not _NAME.fullmatch(host):
        raise ValueError(f"{host!r} is no host name")
    if _DOTTED_QUAD.fullmatch(host):
        return IPv4Address(host)
    if _ENDS_IN_A_NUMBER.fullmatch(host):
        raise ValueError(f"{host} is an address that is written so as not to look like one")
    return None


def is_local_name(host: str) -> bool:
    """Tell whether a name means something else in each network: localhost, names without a dot, .internal, .local."""
    return _LOCAL_NAME.fullmatch(host.rstrip(".")) is not None


@lru_cache(maxsize=4096)
def _kind(address: Address) -> str:
    """Return what an address is called if it is not an ordinary one of the internet."""
    for network, kind in _NETWORKS[address.version]:
        if address in network:
            return kind
    if isinstance(address, IPv6Address):
        if address not in _GLOBAL:
            return "not given out"
        if _ISATAP.fullmatch(address.packed):
            return "ISATAP"
    return ""


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which a gateway or the kernel would translate an IPv6 one."""
    packed = address.packed
    if (found := address.ipv4_mapped or address.sixtofour) is not None:
        return found
    if address.teredo:
        return address.teredo[1]
    if packed.startswith((b"\x00\x64\xff\x9b" + bytes(8), bytes(8) + b"\xff\xff\x00\x00")):
        return IPv4Address(packed[12:])
    if packed.startswith(bytes(12)) and int(address) > 1:
        return IPv4Address(packed[12:])
    isatap = _ISATAP.fullmatch(packed)
    return IPv4Address(isatap[1]) if isatap else None
