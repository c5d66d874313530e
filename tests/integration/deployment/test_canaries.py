"""Some nodes first: a job that crawls on them decides about the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.deployment.egg import Egg
from deploy.deployment.outcome import State
from deploy.deployment.target import Target
from deploy.deployment.trial import Trial
from tests.hash_telling_node import HashTellingNode
from tests.integration.deployment.conftest import deploy, eggs_of, states
from tests.nodes import ScrapydNode
from tests.servers import running
from tests.troubled_site import Answer, TroubledSite

TargetAt = Callable[..., Target]


@pytest.fixture
def site() -> Iterator[TroubledSite]:
    with TroubledSite({"/": Answer(body=b"<html></html>")}) as site:
        yield site


def test_the_others_get_the_egg_when_the_canary_has_crawled_with_it(
    stock: ScrapydNode, ours: ScrapydNode, egg: Egg, target_at: TargetAt, site: TroubledSite
):
    with HashTellingNode() as node:
        targets = [target_at(each.url) for each in (stock, ours, node)]
        report = deploy(egg, *targets, canaries=2, trial=Trial(url=f"{site.url}/", seconds=60))
        assert (report.is_well, states(report)) == (True, [State.DEPLOYED] * 3)
        assert [path for _, path in site.log].count("/") == 2


def test_a_canary_that_fails_is_put_back_and_the_others_never_see_the_egg(
    tmp_path: Path, egg: Egg, target_at: TargetAt, site: TroubledSite
):
    broken = ScrapydNode(tmp_path, stock=True)
    broken.environment["FAIL_ON_THE_NODE"] = "yes"
    with HashTellingNode() as node, running(broken):
        canary = target_at(broken.url)
        trial = Trial(url=f"{site.url}/", seconds=60)
        report = deploy(egg, canary, target_at(node.url), canaries=1, trial=trial)
        assert (report.is_well, states(report)) == (False, [State.FAILED, State.UNCHANGED])
        assert "the trial crawl logged 1 errors" in report.outcomes[0].message
        assert (eggs_of(broken, canary), node.uploads) == ([], 0)
