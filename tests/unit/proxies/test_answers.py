"""What counts as a ban."""

from __future__ import annotations

import re

import pytest

from image_spider import config
from image_spider.exceptions import UsageError
from image_spider.proxies.answers import Answer
from image_spider.proxies.config import answer_rules

HTML = "text/html; charset=utf-8"
RULES = answer_rules(config.check({"PROXY_BAN_IMAGE_TYPES": "text/html"}))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=200, content_type=HTML, body=b"<title>My cats</title>"), ""),
        (Answer(status=404, content_type=HTML, body=b""), ""),
        (Answer(status=403), "HTTP 403"),
        (Answer(status=429), "HTTP 429"),
        (Answer(status=302, location="/login"), ""),
        (Answer(status=302, location="https://a.example/Captcha?next=/"), "a redirect to 'Captcha'"),
        (Answer(status=200, location="/captcha", content_type=HTML), ""),
        (
            Answer(status=503, content_type=HTML, body=b"<html><TITLE> Just a moment...</TITLE>"),
            "a page that says '<TITLE> Just a moment...'",
        ),
        (Answer(status=200, content_type="image/png", body=b"<title>Just a moment..."), ""),
        (Answer(status=200, content_type=HTML, body=b" " * 20_000 + b"<title>Just a moment..."), ""),
        (Answer(status=200, content_type=HTML, body=b"x"), ""),
        (Answer(status=200, content_type=HTML, body=b"x", for_image=True), "text/html in place of an image"),
        (Answer(status=404, content_type=HTML, body=b"x", for_image=True), ""),
    ],
)
def test_an_answer_is_a_ban_by_its_status_its_redirect_its_words_or_its_type(answer: Answer, reason: str):
    assert RULES.ban(answer) == reason


def test_a_compressed_body_is_waited_for_where_it_matters():
    assert RULES.needs_body(Answer(status=200, content_type=HTML))
    assert not RULES.needs_body(Answer(status=200, content_type=HTML, body=b""))
    assert not RULES.needs_body(Answer(status=301))


def test_each_rule_can_be_switched_off():
    none = dict.fromkeys(("PROXY_BAN_STATUSES", "PROXY_BAN_REDIRECT", "PROXY_BAN_BODY"), "none")
    rules = answer_rules(config.check(none))
    page = Answer(status=200, content_type=HTML, body=b"<title>Just a moment...", for_image=True)
    for answer in (Answer(status=403), Answer(status=302, location="/captcha"), page):
        assert not rules.ban(answer)
    assert not rules.needs_body(Answer(status=200))
    assert answer_rules(config.check(none | {"PROXY_BAN_STATUSES": "418"})).ban(Answer(status=418)) == "HTTP 418"


@pytest.mark.parametrize(("key", "value"), [("PROXY_BAN_BODY", "("), ("PROXY_BAN_STATUSES", "4xx")])
def test_a_rule_that_cannot_be_read_is_refused(key: str, value: str):
    with pytest.raises(UsageError, match=re.escape(key)):
        config.check({key: value})
