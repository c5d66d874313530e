"""deploy/nginx in a real nginx: its own check, and what a client meets."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.programs import program
from tests.project import ROOT
from tests.servers import free_port
from tests.tls import certificate
from tests.waiting import wait_until

FOLDER = ROOT / "deploy/nginx"
NODE, GRAFANA = "node1.crawler.example.com", "grafana.crawler.example.com"
MAIN = """
{user}
daemon off;
worker_processes 1;
pid {work}/pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    include conf.d/*.conf;
}}
"""
HEADERS = {
    "strict-transport-security": "max-age=63072000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cache-control": "private, no-store",
}


@dataclass(frozen=True)
class Nginx:
    plain: int
    tls: int

    def get(
        self, name: str, path: str = "/", *, body: bytes = b"", headers: str = ""
    ) -> tuple[int, dict[str, str], str]:
        """Ask by TLS; return status, headers in lower case, text."""
        with self.connect(name) as connection:
            return exchange(connection, name, path, body, headers)

    @contextmanager
    def connect(self, name: str) -> Iterator[socket.socket]:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.tls), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            yield connection

    def get_plainly(self, name: str, path: str) -> tuple[int, dict[str, str], str]:
        with socket.create_connection(("127.0.0.1", self.plain), timeout=30) as connection:
            return exchange(connection, name, path, b"", "")


def exchange(
    connection: socket.socket, name: str, path: str, body: bytes, headers: str
) -> tuple[int, dict[str, str], str]:
    method = "POST" if body else "GET"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    connection.sendall(head.encode() + body)
    answer = b""
    while part := connection.recv(65536):
        answer += part
    first, _, text = answer.decode().partition("\r\n\r\n")
    status, *lines = first.split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(status.split()[1]), {key.lower(): value for key, _, value in pairs}, text


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that came, and how many bytes."""

    def do_GET(self) -> None:
        length = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        body = f"{self.headers}bytes: {length}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def behind() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with serving(tmp_path_factory.mktemp("nginx")) as nginx:
        yield nginx


@contextmanager
def serving(work: Path) -> Iterator[Nginx]:
    """nginx with our files; only ports, the certificate and the folders of this test are put in. node2 is away."""
    plain, tls, away = free_port(), free_port(), free_port()
    pair = certificate(work / "tls", address="127.0.0.1")
    (work / "conf.d").mkdir()
    with behind() as port:
        text = (FOLDER / "image-spider.conf").read_text(encoding="utf-8")
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)  # not every machine has IPv6
        text = re.sub(r"listen 80\b", f"listen 127.0.0.1:{plain}", text)
        text = re.sub(r"listen 443\b", f"listen 127.0.0.1:{tls}", text)
        text = text.replace("127.0.0.1:6802", f"127.0.0.1:{away}")
        text = re.sub(r"127\.0\.0\.1:(6801|3000)\b", f"127.0.0.1:{port}", text)
        (work / "conf.d/image-spider.conf").write_text(text, encoding="utf-8")
        for snippet in (FOLDER / "snippets").iterdir():
            there = work / "snippets/image-spider" / snippet.name
            there.parent.mkdir(parents=True, exist_ok=True)
            found = snippet.read_text(encoding="utf-8")
            found = found.replace("/etc/nginx/tls/image-spider.crt", str(pair.file))
            there.write_text(found.replace("/etc/nginx/tls/image-spider.key", str(pair.key)), encoding="utf-8")
        user = "user root;" if work.owner() == "root" else ""
        (work / "nginx.conf").write_text(MAIN.format(work=work, user=user), encoding="utf-8")
        command = [program("nginx"), "-e", "stderr", "-p", str(work), "-c", str(work / "nginx.conf")]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: accepts(tls), what="nginx")
            yield Nginx(plain=plain, tls=tls)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", [NODE, GRAFANA])
def test_an_answer_carries_the_headers_of_a_safe_site(nginx: Nginx, name: str):
    status, headers, _ = nginx.get(name)
    assert status == 200
    assert HEADERS.items() <= headers.items()
    assert headers["server"] == "nginx"  # no version


def test_errors_carry_them_too_and_a_node_that_is_away_is_answered_for_at_once(nginx: Nginx):
    status, headers, _ = nginx.get("node2.crawler.example.com")
    assert status == 502
    assert HEADERS.items() <= headers.items()


def test_what_a_client_claims_of_its_address_is_not_passed_on(nginx: Nginx):
    _, _, text = nginx.get(
        NODE, headers="X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Prefix: /evil\r\nAuthorization: Basic eA==\r\n"
    )
    assert "X-Forwarded-For: 127.0.0.1\n" in text
    assert "X-Forwarded-Proto: https\n" in text
    assert "evil" not in text
    assert "Authorization: Basic eA==\n" in text  # the node itself asks for the password


def test_an_egg_passes_where_nodes_are_and_nowhere_else(nginx: Nginx):
    egg = bytes(3_000_000)
    assert nginx.get(NODE, "/addversion.json", body=egg)[2].endswith(f"bytes: {len(egg)}\n")
    status, headers, _ = nginx.get(GRAFANA, body=egg)
    assert status == 413
    assert HEADERS.items() <= headers.items()


def test_plain_http_leads_to_tls(nginx: Nginx):
    status, headers, _ = nginx.get_plainly(NODE, "/jobs.json?project=a")
    assert (status, headers["location"]) == (301, f"https://{NODE}/jobs.json?project=a")


def test_no_certificate_is_shown_for_another_name(nginx: Nginx):
    with pytest.raises(ssl.SSLError):
        nginx.get("other.example.com")


def test_who_asks_too_often_is_told_so(tmp_path: Path):
    # Fifty at once and ten a second pass. Four hundred that come in one piece are more than that on any machine.
    with serving(tmp_path) as nginx, nginx.connect(NODE) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {NODE}\r\n\r\n".encode() * 400)
        answer = b""
        while b"HTTP/1.1 429 " not in answer and (part := connection.recv(65536)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 429 " in answer


def test_every_listener_hears_both_kinds_of_addresses():
    text = (FOLDER / "image-spider.conf").read_text(encoding="utf-8")
    both = [re.findall(rf"^ +listen {prefix}(\d.*)$", text, re.MULTILINE) for prefix in ("", r"\[::\]:")]
    assert both[0] == both[1] != []
