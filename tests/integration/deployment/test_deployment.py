"""One egg to stock Scrapyd and to nodes that tell hashes, on good and on bad days."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.deployment.deployment import Deployment
from deploy.deployment.egg import Egg, read_egg
from deploy.deployment.node_client import NodeClient
from deploy.deployment.outcome import Outcome, Report, State
from deploy.deployment.target import Target
from tests.hash_telling_node import HashTellingNode
from tests.integration.deployment.conftest import Recorder, deploy, eggs_of, roll_back, runs, states, with_clients
from tests.nodes import ScrapydNode
from tests.servers import free_port, running
from tests.small_disk import SmallDisk
from tests.tiny_egg import tiny_egg

TargetAt = Callable[..., Target]


def test_all_nodes_run_the_egg_and_of_a_stock_one_it_is_said_that_its_hash_is_not_verified(
    stock: ScrapydNode, ours: ScrapydNode, egg: Egg, target_at: TargetAt
):
    show = Recorder()
    at_stock, at_ours = target_at(stock.url), target_at(ours.url)
    report = deploy(egg, at_stock, at_ours, show=show)
    assert (report.is_well, states(report)) == (True, [State.DEPLOYED] * 2)
    assert [outcome.runs for outcome in report.outcomes] == ["1", "1"]
    assert [outcome.is_verified for outcome in report.outcomes] == [False, True]
    assert report.unverified == [at_stock.name]
    assert eggs_of(stock, at_stock) == ["1"]
    assert max(show.parts) == 1
    again = deploy(egg, at_ours)
    assert (again.is_well, states(again)) == (True, [State.UNCHANGED])


def test_nothing_is_sent_when_one_node_is_dead_or_refuses_the_password(
    ours: ScrapydNode, egg: Egg, target_at: TargetAt
):
    with HashTellingNode() as node:
        dead = target_at(f"http://127.0.0.1:{free_port()}/")
        report = deploy(egg, target_at(node.url), dead, target_at(ours.url, password="wrong"))
        assert (report.is_well, states(report)) == (False, [State.UNCHANGED, State.FAILED, State.FAILED])
        assert "cannot be reached" in report.outcomes[1].message
        assert "refused the password of user tester" in report.outcomes[2].message
        assert node.uploads == 0
        nobody = deploy(egg, target_at(ours.url, username=""))
        assert "wants a user and a password" in nobody.outcomes[0].message


def test_a_partial_deployment_leaves_the_dead_out_and_is_not_well(egg: Egg, target_at: TargetAt):
    with HashTellingNode() as node:
        report = deploy(egg, target_at(node.url), target_at(f"http://127.0.0.1:{free_port()}/"), partial=True)
        assert (report.is_well, states(report)) == (False, [State.DEPLOYED, State.FAILED])


def test_a_node_that_dies_during_the_upload_puts_the_others_back(stock: ScrapydNode, egg: Egg, target_at: TargetAt):
    old = replace(egg, version="0")
    with HashTellingNode() as node, HashTellingNode(dies_in_upload=True) as dying:
        at_stock, at_node = target_at(stock.url), target_at(node.url)
        assert deploy(old, at_stock, at_node).is_well
        report = deploy(egg, at_stock, at_node, target_at(dying.url))
        assert (report.is_well, states(report)) == (False, [State.PUT_BACK, State.PUT_BACK, State.UNKNOWN])
        assert "It may run 1 now or later" in report.outcomes[2].message
        assert [outcome.runs for outcome in report.outcomes] == ["0", "0", None]
        assert eggs_of(stock, at_stock) == list(node.eggs) == ["0"]


def test_a_frozen_node_is_given_up_and_called_unknown(tmp_path: Path, egg: Egg, target_at: TargetAt):
    with running(ScrapydNode(tmp_path, stock=True)) as frozen:

        def freeze(outcome: Outcome) -> None:
            if outcome.state is State.SENDING:
                os.kill(frozen.pid, signal.SIGSTOP)

        report = deploy(egg, target_at(frozen.url), seconds=1, show=Recorder(act=freeze))
        os.kill(frozen.pid, signal.SIGCONT)
        assert (report.is_well, states(report)) == (False, [State.UNKNOWN])
        assert "did not answer addversion.json in time (1 s); not put back" in report.outcomes[0].message


def test_a_node_of_ours_that_does_not_answer_in_time_may_take_the_egg_later_and_is_called_unknown(
    egg: Egg, target_at: TargetAt
):
    with HashTellingNode() as node, HashTellingNode(keeps_silent=True) as silent:
        report = deploy(egg, target_at(node.url), target_at(silent.url), seconds=3)
        assert (report.is_well, states(report)) == (False, [State.PUT_BACK, State.UNKNOWN])
        assert "may still be checking 1" in report.outcomes[1].message


def test_a_node_of_ours_whose_proxy_gave_it_up_may_take_the_egg_later_and_is_called_unknown(
    egg: Egg, target_at: TargetAt
):
    with HashTellingNode(gives_up=True) as node:
        report = deploy(egg, target_at(node.url))
        assert (report.is_well, states(report)) == (False, [State.UNKNOWN])
        assert "may still be checking 1" in report.outcomes[0].message


def test_a_node_that_holds_other_bytes_is_not_believed(egg: Egg, target_at: TargetAt):
    with HashTellingNode() as node, HashTellingNode(damages=True) as damaging:
        report = deploy(egg, target_at(node.url), target_at(damaging.url))
        assert (report.is_well, states(report)) == (False, [State.PUT_BACK, State.FAILED])
        assert not any(outcome.is_verified for outcome in report.outcomes)
        assert f"the node holds other bytes: sent SHA-256 {egg.sha256}" in report.outcomes[1].message
        assert node.eggs == damaging.eggs == {}


def test_a_node_whose_checkout_shadows_the_egg_is_found_by_its_spiders(egg: Egg, target_at: TargetAt):
    with HashTellingNode(shadows=True) as node:
        report = deploy(egg, target_at(node.url))
        assert "something on the node shadows the egg" in report.outcomes[0].message
        assert states(report) == [State.FAILED]


def test_an_egg_that_stock_scrapyd_stores_and_then_refuses_is_removed_again(
    tmp_path: Path, egg: Egg, target_at: TargetAt
):
    code = 'if "SCRAPYD_EGG_VERSION" in os.environ: import missing_here'
    broken = read_egg(tiny_egg(tmp_path / "broken.egg", code), version="2")
    with running(ScrapydNode(tmp_path / "node", stock=True)) as node:
        target = target_at(node.url)
        assert deploy(egg, target).is_well
        report = deploy(broken, target)
        assert (report.is_well, states(report)) == (False, [State.FAILED])
        assert "No module named 'missing_here'" in report.outcomes[0].message
        assert report.outcomes[0].runs == "1"
        assert eggs_of(node, target) == ["1"]


def test_a_deployment_that_is_interrupted_puts_everything_back(ours: ScrapydNode, egg: Egg, target_at: TargetAt):
    at_ours = target_at(ours.url)
    with HashTellingNode() as node:

        async def interrupted(clients: list[NodeClient]) -> Report:
            show = Recorder()
            task = asyncio.ensure_future(Deployment(clients=clients, egg=egg, show=show).run())
            show.act = lambda outcome: task.cancel() if outcome.state is State.DEPLOYED else None
            return await task

        report = with_clients([target_at(node.url), at_ours], interrupted)
        assert not report.is_well
        assert (node.eggs, runs(at_ours)) == ({}, None)


def test_a_deployment_that_is_interrupted_while_a_node_checks_the_egg_does_not_say_that_it_was_put_back(
    egg: Egg, target_at: TargetAt
):
    with HashTellingNode(keeps_silent=True) as silent:

        async def interrupted(clients: list[NodeClient]) -> Report:
            task = asyncio.ensure_future(Deployment(clients=clients, egg=egg, show=Recorder()).run())
            assert await asyncio.to_thread(silent.has_upload.wait, 60)
            task.cancel()
            return await task

        report = with_clients([target_at(silent.url)], interrupted)
        assert (report.is_well, states(report)) == (False, [State.UNKNOWN])
        assert report.outcomes[0].message == "it runs None, and may still be checking 1"


def test_a_full_disk_of_a_stock_node_leaves_no_half_egg_behind(tmp_path: Path, egg: Egg, target_at: TargetAt):
    with running(SmallDisk(tmp_path / "disk", megabytes=1)) as disk:
        large = replace(egg, version="2", content=bytes(2 << 20) + egg.content)
        prefix = (*disk.enter, "sh", "-c", 'cd "$0" && exec "$@"', str(tmp_path / "node"))  # it would begin in /
        node = ScrapydNode(tmp_path / "node", stock=True, prefix=prefix, eggs_dir=disk.folder)
        with running(node):
            target = target_at(node.url)
            assert deploy(egg, target).is_well
            report = deploy(large, target)
            assert "No space left on device" in report.outcomes[0].message
            assert (states(report), report.outcomes[0].runs) == ([State.FAILED], "1")
            assert [path.name for path in disk.seen(disk.folder).rglob("*.egg")] == ["1.egg"]


def test_a_second_deployment_at_the_same_time_is_noticed_and_left_alone(egg: Egg, target_at: TargetAt):
    with HashTellingNode(overtaken_by="other") as node:
        report = deploy(egg, target_at(node.url))
        assert (report.is_well, states(report)) == (False, [State.UNKNOWN])
        assert "another deployment has come between" in report.outcomes[0].message
        assert report.outcomes[0].runs == "other"


@pytest.mark.parametrize("status", [409, 400, 500])
def test_the_egg_of_another_deployment_under_the_same_name_is_not_deleted(status: int, egg: Egg, target_at: TargetAt):
    with HashTellingNode(refuses=(status, b"of another deployment")) as node:
        report = deploy(egg, target_at(node.url))
        assert not report.is_well
        assert node.eggs == {"1": b"of another deployment"}


def test_the_same_egg_of_another_deployment_that_came_first_is_not_deleted(egg: Egg, target_at: TargetAt):
    with HashTellingNode(refuses=(409, egg.content)) as node:
        report = deploy(egg, target_at(node.url))
        assert (report.is_well, states(report)) == (False, [State.FAILED])
        assert node.eggs == {"1": egg.content}


def test_an_egg_that_our_node_took_and_then_failed_over_is_removed_again(egg: Egg, target_at: TargetAt):
    with HashTellingNode(refuses=(500, egg.content)) as node:
        report = deploy(egg, target_at(node.url))
        assert (report.is_well, states(report), node.eggs) == (False, [State.FAILED], {})


def test_of_two_deployments_at_once_to_our_node_the_one_that_is_well_is_the_one_that_runs(
    tmp_path: Path, ours: ScrapydNode, target_at: TargetAt
):
    target = target_at(ours.url)
    slow = read_egg(tiny_egg(tmp_path / "slow.egg", "import time; time.sleep(1)"), version="1")

    async def both(clients: list[NodeClient]) -> list[Report]:
        eggs = (slow, replace(slow, version="2"))
        runs = (Deployment(clients=clients, egg=egg, show=Recorder()).run() for egg in eggs)
        return await asyncio.gather(*runs)

    reports = with_clients([target], both)
    assert runs(target) in [report.version for report in reports if report.is_well]
    refused = [report.outcomes[0].message for report in reports if not report.is_well]
    assert all("is being checked" in words or "has come between" in words for words in refused)


def test_a_version_that_stock_scrapyd_would_not_run_is_refused_before_it_is_sent(
    stock: ScrapydNode, egg: Egg, target_at: TargetAt
):
    target = target_at(stock.url)
    assert deploy(replace(egg, version="r12-main"), target).is_well
    report = deploy(replace(egg, version="20261120-221530"), target)
    assert "stock Scrapyd runs the version that sorts last, and that would still be r12-main" in str(report.outcomes)
    assert eggs_of(stock, target) == ["r12-main"]


def test_nodes_go_back_to_the_version_before_and_only_all_together(
    stock: ScrapydNode, ours: ScrapydNode, egg: Egg, target_at: TargetAt
):
    targets = target_at(stock.url), target_at(ours.url)
    for version in ("1", "2", "3"):
        assert deploy(replace(egg, version=version), *targets).is_well
    dead = target_at(f"http://127.0.0.1:{free_port()}/")
    assert not roll_back(*targets, dead).is_well
    assert [runs(target) for target in targets] == ["3", "3"]
    report = roll_back(*targets)
    assert (report.is_well, report.version, states(report)) == (True, "2", [State.ROLLED_BACK] * 2)
    assert [outcome.is_verified for outcome in report.outcomes] == [False, True]
    assert [runs(target) for target in targets] == ["2", "2"]
    assert roll_back(*targets, version="1").is_well
    assert [runs(target) for target in targets] == ["1", "1"]
    assert "no version before the current one" in roll_back(*targets).outcomes[0].message
    assert roll_back(targets[1], version="3").is_well, "our node keeps what it went back from"
    assert runs(targets[1]) == "3"
