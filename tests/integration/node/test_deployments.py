"""What a node does with the eggs that it is given."""

from __future__ import annotations

import hashlib
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.eggs import SETTINGS, SPIDER, make_egg
from tests.nodes import LOGIN, ScrapydNode
from tests.servers import running
from tests.waiting import wait_until

GOOD = make_egg()
PIPELINE = SETTINGS.format(package="small") + 'ITEM_PIPELINES = {"small.gone.Pipeline": 1}\n'
LATE = SPIDER.replace("        return", "        import small.late\n        return")


def bomb() -> bytes:
    packed = io.BytesIO(GOOD)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small/zeros", bytes(20 << 20))
    return packed.getvalue()


def damaged() -> bytes:
    content = bytearray(GOOD)
    at = content.index(b"small/spiders.py") + 60  # within the compressed bytes of that file
    content[at] ^= 0xFF
    return bytes(content)


def current(node: ScrapydNode, project: str) -> str:
    (version,) = [egg["version"] for egg in node.get("eggs.json", project=project).json()["eggs"] if egg["current"]]
    return str(version)


@pytest.fixture(scope="module")
def stable(node: ScrapydNode) -> str:
    """A project with a good version."""
    node.deploy(GOOD, project="stable", version="good")
    return "stable"


def test_an_egg_that_passes_is_current_and_reported_with_its_hash(node: ScrapydNode):
    answer = node.deploy(GOOD, project="good", version="1.0-rc1")
    sha256 = hashlib.sha256(GOOD).hexdigest()
    assert (answer["status"], answer["spiders"], answer["sha256"]) == ("ok", 1, sha256)
    (egg,) = node.get("eggs.json", project="good").json()["eggs"]
    assert (egg["version"], egg["sha256"], egg["spiders"], egg["current"]) == ("1.0-rc1", sha256, ["waits"], True)
    assert node.get("listversions.json", project="good").json()["versions"] == ["1.0-rc1"]
    assert node.get("listspiders.json", project="good").json()["spiders"] == ["waits"]


@pytest.mark.parametrize(
    ("egg", "words"),
    [
        pytest.param(b"", "not a whole ZIP file", id="empty"),
        pytest.param(b"no zip at all", "not a whole ZIP file", id="no zip"),
        pytest.param(GOOD[: len(GOOD) // 2], "not a whole ZIP file", id="truncated"),
        pytest.param(damaged(), "not a whole ZIP file", id="damaged"),
        pytest.param(bomb(), "bomb", id="bomb"),
        pytest.param(make_egg(entry_points=None), "no entry point 'settings'", id="no entry point"),
        pytest.param(make_egg(spiders="import not_there"), "No module named 'not_there'", id="import error"),
        pytest.param(make_egg(settings=PIPELINE), "ITEM_PIPELINES names small.gone.Pipeline", id="no pipeline"),
        pytest.param(make_egg(spiders=""), "found no spider", id="no spider"),
        pytest.param(make_egg(spiders="import os; os._exit(7)"), "status 7", id="exits"),
        pytest.param(make_egg(spiders="import os; os.abort()"), "killed by signal 6", id="crashes"),
    ],
)
def test_a_bad_egg_is_refused_with_words_and_what_was_current_stays(
    node: ScrapydNode, stable: str, egg: bytes, words: str
):
    refusal = node.post("addversion.json", egg=egg, project=stable, version="zzz")
    assert (refusal.status_code, refusal.json()["status"]) == (422, "error")
    assert words in refusal.json()["message"]
    assert current(node, stable) == "good"
    assert list((node.folder / "eggs/.incoming").iterdir()) == []
    assert len(list((node.folder / "eggs" / stable).iterdir())) == 1


@pytest.mark.parametrize(
    ("project", "version"), [("../up", "1"), ("a/b", "1"), (".hidden", "1"), ("good", " "), ("good", "1\n2"), ("", "1")]
)
def test_names_that_lead_elsewhere_are_refused(node: ScrapydNode, project: str, version: str):
    assert node.post("addversion.json", egg=GOOD, project=project, version=version).status_code == 400
    assert not (node.folder / "up").exists()


def test_the_newest_version_is_the_one_activated_last_whatever_its_name(node: ScrapydNode):
    node.deploy(make_egg(version="zzz"), project="order", version="zzz")
    node.deploy(make_egg(version="2"), project="order", version="2")
    node.deploy(make_egg(version="10"), project="order", version="10")
    assert node.get("listversions.json", project="order").json()["versions"] == ["zzz", "2", "10"]
    assert current(node, "order") == "10"
    assert node.post("activate.json", project="order", version="2").json()["version"] == "2"
    job = node.schedule(project="order", runs="runs-order")
    assert node.wait_for(job, "finished", project="order")["version"] == "2"
    assert (node.folder / "runs-order").read_text().split()[2] == "2"
    assert node.post("delversion.json", project="order", version="2").ok
    assert current(node, "order") == "10"


def test_what_is_not_there_is_answered_with_404(node: ScrapydNode):
    node.deploy(GOOD, project="there")
    for service, fields in (
        ("activate.json", {"project": "there", "version": "9"}),
        ("activate.json", {"project": "nowhere", "version": "9"}),
        ("delversion.json", {"project": "there", "version": "9"}),
        ("delproject.json", {"project": "nowhere"}),
        ("schedule.json", {"project": "there", "spider": "another"}),
        ("schedule.json", {"project": "there", "spider": "waits", "_version": "9"}),
        ("schedule.json", {"project": "nowhere", "spider": "waits"}),
    ):
        answer = node.post(service, **fields)
        assert (answer.status_code, answer.json()["status"]) == (404, "error"), (service, answer.text)
    assert node.get("eggs.json", project="nowhere").status_code == 404
    assert node.get("addversion.json").status_code == 405


def test_a_running_crawl_keeps_its_egg_though_it_is_replaced_and_deleted(node: ScrapydNode):
    with_late = io.BytesIO(make_egg(spiders=LATE.format(name="waits", version="1")))
    with zipfile.ZipFile(with_late, "a") as archive:
        archive.writestr("small/late.py", "print('imported late')")
    node.deploy(with_late.getvalue(), project="kept", version="1")
    job = node.schedule(project="kept", until="go-kept")
    log = Path(node.wait_for(job, "running", project="kept")["log"])
    wait_until(lambda: "printed by the spider" in log.read_text())
    node.deploy(GOOD, project="kept", version="1")
    node.post("delproject.json", project="kept")
    (node.folder / "go-kept").touch()
    node.deploy(GOOD, project="kept", version="2")  # the project is known again, so that its jobs can be asked for
    assert node.wait_for(job, "finished", project="kept")["exit_status"] == 0
    assert "imported late" in log.read_text()
    wait_until(lambda: len(list((node.folder / "eggs/kept").iterdir())) == 1, what="the old egg is swept")


def test_nobody_gets_in_without_the_password(node: ScrapydNode):
    for login in (None, (LOGIN[0], "wrong")):
        for service in ("daemonstatus.json", "eggs.json", "jobs", "logs/", ""):
            assert requests.get(node.url + service, auth=login, timeout=30).status_code == 401
        files = {"egg": ("x", GOOD)}
        answer = requests.post(
            node.url + "addversion.json", data={"project": "x", "version": "1"}, files=files, auth=login, timeout=30
        )
        assert answer.status_code == 401


def test_a_page_of_another_site_can_do_nothing_with_the_password_that_a_browser_has(node: ScrapydNode, stable: str):
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 404), ("none", 404)):
        answer = requests.post(
            node.url + "delversion.json",
            data={"project": stable, "version": "none"},
            headers={"Sec-Fetch-Site": site},
            auth=LOGIN,
            timeout=30,
        )
        assert answer.status_code == status


def test_the_code_in_eggs_is_not_told_the_password(node: ScrapydNode):
    shows = "import os\nopen(os.environ['SCRAPY_PROJECT'] + '-knows', 'a').write(repr(dict(os.environ)))\n"
    node.deploy(make_egg(spiders=shows + SPIDER.format(name="waits", version="1")), project="curious")
    node.wait_for(node.schedule(project="curious"), "finished", project="curious")
    known = (node.folder / "curious-knows").read_text()
    assert known.count("'SCRAPY_PROJECT': 'curious'") == 2  # the check, and the crawl
    assert LOGIN[1] not in known


@pytest.mark.parametrize("missing", ["SCRAPYD_USERNAME", "SCRAPYD_PASSWORD"])
def test_a_node_does_not_start_without_a_password(tmp_path: Path, missing: str):
    node = ScrapydNode(tmp_path)
    del node.environment[missing]
    assert node.launch().wait() == 1
    assert f"set {missing} in the environment" in node.log()


def test_a_second_daemon_does_not_start_in_the_same_folder(node: ScrapydNode):
    second = ScrapydNode(node.folder)
    assert second.launch().wait() == 1
    assert "Another node is running on" in node.log()


def test_an_egg_whose_code_never_ends_is_killed_with_its_children_and_holds_up_nobody(tmp_path: Path):
    endless = "import subprocess, time\nsubprocess.Popen(['sleep', '600'])\nwhile True: time.sleep(1)"
    with running(ScrapydNode(tmp_path, egg_check_seconds=8)) as node, ThreadPoolExecutor() as threads:
        upload = threads.submit(node.post, "addversion.json", egg=make_egg(spiders=endless), project="p", version="1")
        children = wait_until(lambda: psutil.Process(node.pid).children(recursive=True)[1:])
        assert node.get("daemonstatus.json").ok, "the daemon answers meanwhile"
        conflict = node.post("addversion.json", egg=GOOD, project="p", version="2")
        assert conflict.status_code == 409
        assert "version '1' of 'p' is being checked" in conflict.json()["message"]
        assert not upload.done()
        refusal = upload.result()
        assert refusal.status_code == 422
        assert "had not ended after 8 s" in refusal.json()["message"]
        wait_until(lambda: not any(_runs(child) for child in children))
        assert node.get("listprojects.json").json()["projects"] == []


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_request_that_is_too_large_is_refused_with_words(tmp_path: Path):
    with running(ScrapydNode(tmp_path, request_max_bytes=100_000)) as node:
        before = psutil.Process(node.pid).memory_info().rss
        refusal = node.post("addversion.json", egg=bytes(50_000_000), project="p", version="1")
        assert refusal.status_code == 413
        assert "more than 100,000 bytes" in refusal.json()["message"]
        assert psutil.Process(node.pid).memory_info().rss - before < 10_000_000
        assert node.deploy(GOOD)["status"] == "ok"


def test_an_egg_that_something_installed_would_shadow_is_refused(tmp_path: Path):
    installed = tmp_path / "installed/small"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    node = ScrapydNode(tmp_path / "node")
    node.environment["PYTHONPATH"] += f":{installed.parent}"
    with running(node):
        refusal = node.post("addversion.json", egg=GOOD, project="small", version="1")
        assert refusal.status_code == 422
        assert f"'small' of the egg is shadowed by {installed}" in refusal.json()["message"]
