"""`scrapy reclassify --rescan` as a process."""

from __future__ import annotations

import asyncio
import io
import re
import signal

import psutil
import pytest
from PIL import Image

from image_spider import config
from image_spider.decoders import Decoders
from image_spider.imaging.analysis import SCORES_VERSION
from tests.images import a_png
from tests.project import Project
from tests.sites import Site
from tests.unit.imaging.drawings import saved, scene
from tests.waiting import wait_until

PICTURES = 129  # two batches and one more
MEASURED = "select * from images order by sha256"
SPOILT = (
    "update images set phash_256 = null, dhash_64 = null, part_0 = 0, scores = '{}', quality = 0, content = 'blank', "
    "duplicate_of = null, duplicate_kind = null, duplicate_distance = null, scores_version = 0"
)
SECOND_BATCH_IS_SLOW = f"""
    create trigger slow before update of scores_version on images
    when old.scores_version = 0 and (select count(*) from images where scores_version = {SCORES_VERSION}) = 64
    begin
        with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 40000000)
        select count(*) from numbers;
    end
"""
SIDE = 7000  # pixels; decoded they are 196 MB


def crawl_scenes(project: Project, number: int) -> None:
    """Crawl pictures, each third of them like the one before it."""
    files = {}
    for seed in range(number):
        picture = scene(640, 480, seed - (seed % 3 == 1))
        files[f"/{seed}.jpg"] = saved(picture, "JPEG", quality=70 if seed % 3 == 1 else 90)
    with Site({"/": "".join(f'<img src="{path}">' for path in files)} | files) as site:
        crawled = project.crawl(site.url)
    assert crawled.returncode == 0, crawled.stderr


def count_measured(project: Project) -> int:
    return int(project.rows(f"select count(*) from images where scores_version = {SCORES_VERSION}")[0][0])


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_ended_in_the_middle_and_run_again_a_rescan_ends_as_if_undisturbed(project: Project, end: signal.Signals):
    crawl_scenes(project, PICTURES)
    crawled = project.rows(MEASURED)
    assert len(project.rows("select 1 from images where duplicate_of is not null")) == PICTURES // 3
    project.rows(SPOILT)
    undisturbed = project.run("reclassify", "--rescan")
    assert (undisturbed.returncode, undisturbed.stdout) == (
        0,
        f"{PICTURES} images measured by scores version {SCORES_VERSION}\n",
    )
    outcome = project.rows(MEASURED)
    links = "select count(duplicate_of) from images"
    assert project.rows(links) == [(PICTURES // 3,)]
    assert [row[:15] for row in outcome] == [row[:15] for row in crawled]

    project.rows(SPOILT)
    project.rows(SECOND_BATCH_IS_SLOW)  # else it may be over before this process looks again
    process = project.start("reclassify", "--rescan", "--all")
    wait_until(lambda: count_measured(project) > 0)
    process.send_signal(end)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130 if end == signal.SIGINT else -end, "")
    assert "Traceback" not in said
    done = count_measured(project)
    assert 0 < done < PICTURES
    project.rows("drop trigger slow")
    again = project.run("reclassify", "--rescan")
    assert (again.returncode, again.stdout) == (
        0,
        f"{PICTURES - done} images measured by scores version {SCORES_VERSION}\n",
    )
    assert project.rows(MEASURED) == outcome
    assert project.run("reclassify", "--rescan").stdout == f"0 images measured by scores version {SCORES_VERSION}\n"


def test_missing_and_damaged_files_are_named_and_end_it_with_exit_code_1(project: Project):
    with Site(
        {"/": "".join(f'<img src="/{n}.png">' for n in range(5))} | {f"/{n}.png": a_png(n) for n in range(5)}
    ) as site:
        project.crawl(site.url)
    before = project.rows(MEASURED)
    missing, damaged = list(project.files())[:2]
    store = project.data / "images"
    (store / missing).unlink()
    (store / damaged).write_bytes(b"x" * (store / damaged).stat().st_size)
    done = project.run("reclassify", "--rescan", "--all")
    assert done.returncode == 1
    assert sorted(done.stderr.splitlines()) == sorted(
        [f"data/images/{missing}: missing", f"data/images/{damaged}: its SHA-256 is not that of its name"]
    )
    assert done.stdout.splitlines()[1] == "2 files missing or damaged, 0 images not measured"
    assert [row for row in project.rows(MEASURED) if row in before] == [
        row for row in before if row[1] not in (missing, damaged)
    ]


def test_what_cannot_be_done_is_refused_in_one_line(project: Project):
    assert project.run("reclassify", "--all").returncode == 2
    with Site({"/": '<img src="/1.png">', "/1.png": a_png(1)}) as site:
        project.crawl(site.url)
    done = project.run("reclassify", "--rescan", "--all", IMAGES_STORE="elsewhere")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "there is no image store elsewhere" in done.stderr
    assert count_measured(project) == 1


def turned(side: int) -> bytes:
    """Return a PNG that is to be shown turned: hashing its pixels takes a second copy of them, its thumbnail none."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with io.BytesIO() as file:
        Image.new("RGB", (side, side), (9, 90, 200)).save(file, "PNG", exif=exif, compress_level=1)
        return file.getvalue()


async def enough_to_decode() -> int:
    """Return how many bytes a decoding process needs to decode such a picture, with half of a second copy."""
    decoders = Decoders(config.load({"IMAGES_PROCESSES": "1"}))
    await decoders.describe(turned(64), "image/png")
    idle = max(process.memory_info().vms for process in psutil.Process().children(recursive=True))
    await asyncio.to_thread(decoders.close)
    return idle + int(1.4 * 4 * SIDE * SIDE)


def test_an_image_whose_measuring_failed_is_kept_counted_and_mended_by_a_rescan(project: Project):
    with Site({"/": '<img src="/1.png"><img src="/2.png">', "/1.png": turned(SIDE), "/2.png": a_png(2)}) as site:
        little = {"IMAGES_MEMORY_BYTES": str(asyncio.run(enough_to_decode()))}
        crawled = project.crawl(site.url, **little)
    assert crawled.returncode == 0, crawled.stderr
    assert "'images/unmeasured': 1" in crawled.stderr
    unmeasured = "select width, integrity from images where scores is null and scores_version is null"
    assert project.rows(unmeasured) == [(SIDE, "ok")]
    project.assert_files_and_rows_agree()
    assert len(project.files()) == 2

    failed = project.run("reclassify", "--rescan", **little)
    assert failed.returncode == 1
    assert re.search(r"\.png: measuring its pixels failed: \w*MemoryError[^\n]*\n$", failed.stderr)
    assert project.rows(unmeasured) == [(SIDE, "ok")]
    mended = project.run("reclassify", "--rescan")
    assert (mended.returncode, mended.stdout) == (0, f"1 images measured by scores version {SCORES_VERSION}\n")
    assert project.rows(unmeasured) == []
    assert project.rows("select count(pixel_hash), count(quality) from images") == [(2, 2)]
