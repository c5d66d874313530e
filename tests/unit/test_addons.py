import pytest
from scrapy.settings import Settings

from image_spider import __version__
from image_spider.addons import ProjectSettings, SharedFrontier
from image_spider.exceptions import UsageError


def derived(**given: object) -> Settings:
    settings = Settings(given)
    ProjectSettings().update_settings(settings)
    return settings


def test_the_user_agent_is_honest_and_says_where_to_complain():
    assert (
        derived(CONTACT_URL="https://me.example/")["USER_AGENT"] == f"image_spider/{__version__} (+https://me.example/)"
    )


def test_a_user_agent_that_is_set_stays():
    assert derived(USER_AGENT="mine")["USER_AGENT"] == "mine"


def test_scrapys_own_pace_is_off_for_hosts_have_one_budget():
    settings = derived(HOST_DELAY_SECONDS="1.5", HOST_CONCURRENCY="2")
    assert settings.getfloat("DOWNLOAD_DELAY") == 0
    assert settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") > 1000


def test_a_value_of_the_command_line_is_checked_too():
    with pytest.raises(UsageError, match="HOST_CONCURRENCY='none'"):
        derived(HOST_CONCURRENCY="none")


def test_redis_url_switches_the_shared_frontier_on_and_nothing_else_does():
    local, fleet, own = Settings(), Settings({"REDIS_URL": "redis://a/0"}), Settings({"REDIS_URL": "redis://a/0"})
    own.set("SCHEDULER", "mine", "project")
    for settings in (local, fleet, own):
        SharedFrontier().update_settings(settings)
    assert local["SCHEDULER"] == "scrapy.core.scheduler.Scheduler"
    assert fleet["SCHEDULER"] == "image_spider.frontier.scheduler.Scheduler"
    assert own["SCHEDULER"] == "mine"
