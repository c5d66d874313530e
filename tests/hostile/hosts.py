"""Ways to write the address of what must not be reached: what a hostile page puts into its URLs."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

LOOPBACK = ("127.0.0.1", "127.255.255.254", "127.0.0.53", "0.0.0.0")
NETWORKS = (
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1", "100.127.255.254",
    "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192", "0.1.2.3", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[fe80::1]",
    "[fe80::1%25lo]", "[::1%25lo]", "[fc00::1]", "[fd12:3456:789a::1]", "[fd00:ec2::254]", "[fd20:ce::254]",
    "[fec0::1]", "[ff02::1]", "[ff0e::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]", "[2001:10::1]",
    "[4000::1]", "[64:ff9b:1::7f00:1]",
)  # fmt: skip
NAMES = (
    "metadata.google.internal", "METADATA.GOOGLE.INTERNAL", "metadata.google.internal.", "metadata.goog", "metadata",
    "instance-data", "instance-data.ec2.internal", "localhost", "LOCALHOST", "localhost.", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ", "%6c%6f%63%61%6c%68%6f%73%74",
)  # fmt: skip
USERS = (
    "user:password@127.0.0.1", "example.com@127.0.0.1", "example.com:80@127.0.0.1", "example.com%40@127.0.0.1",
    "127.0.0.2@127.0.0.1", "127.0.0.2:80@127.0.0.1", "a@b@127.0.0.1", "@127.0.0.1", ":@127.0.0.1", "%00@127.0.0.1",
    "127.0.0.1%00", "127.0.0.1%00.example.com", "127.0.0.1%0a", "127.0.0.1%23.example.com", "127.0.0.1%2f.example.com",
    "127.0.0.1\\.example.com", "example.com%5c@127.0.0.1", "127.0.0.1\t", "\t127.0.0.1", "127.0.0.1%20", "127.0.0.1%09",
)  # fmt: skip
_CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
_WIDE = str.maketrans("0123456789.", "０１２３４５６７８９．")


def forbidden_hosts() -> list[str]:
    """Return them all, each once."""
    written = (form for address in LOOPBACK for form in (*v4_forms(address), *v6_forms(address)))
    return list(dict.fromkeys([*written, *NETWORKS, *NAMES, *USERS]))


def v4_forms(text: str) -> Iterator[str]:
    """Yield an IPv4 address as inet_aton, browsers and IDNA read it."""
    address = IPv4Address(text)
    number, (a, b, c, d) = int(address), address.packed
    yield from (text, f"{text}.", f"{number}", f"0{number:o}", f"0x{number:x}", f"0X{number:X}", f"0x00000{number:x}")
    yield from (f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0{a:o}.{b}.0x{c:x}.{d}")
    yield from (f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{number & 0xFFFF}", f"0x{a:x}.{number & 0xFFFFFF}")
    yield from (f"{a:03}.{b:03}.{c:03}.{d:03}", f"{number + 2**32}", f"{number}.")
    yield from (text.translate(_CIRCLED), text.translate(_WIDE), text.replace(".", "。"), text.replace(".", "｡"))
    yield from ("".join(f"%{ord(letter):02x}" for letter in text), text.replace(".", "%2e"), text[:-1] + f"%3{d % 10}")


def v6_forms(text: str) -> Iterator[str]:
    """Yield the IPv6 addresses that a kernel, a gateway or a tunnel turns into an IPv4 address."""
    number = int(IPv4Address(text))
    high, low = number >> 16, number & 0xFFFF
    yield from (f"[::ffff:{text}]", f"[::ffff:{high:x}:{low:x}]", f"[0:0:0:0:0:ffff:{high:04x}:{low:04x}]")
    yield from (f"[::{text}]", f"[::ffff:0:{text}]", f"[64:ff9b::{text}]", f"[2002:{high:x}:{low:x}::]")
    yield from (f"[fe80::5efe:{text}]", f"[2001:470::200:5efe:{text}]")
    yield f"[{IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF))}]"  # Teredo
