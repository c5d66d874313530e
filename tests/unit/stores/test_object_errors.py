from __future__ import annotations

import pytest

from image_spider.stores.object_errors import REMEDIES, fault_of

REQUEST = "Error performing PUT http://127.0.0.1:1/b/x in 4ms"
HEAD = "Generic S3 error: Error performing HEAD http://127.0.0.1:1/b/x in 4ms"
SOURCE = "\n\nDebug source:\nGeneric { source: RetryError(RetryErrorImpl { inner: "


@pytest.mark.parametrize(
    ("text", "reason", "remedy", "away"),
    [
        (
            (
                f"{REQUEST} - Server returned non-2xx status code: 403 Forbidden: <Error><Code>AccessDenied</Code>"
                "<Message>Access Denied</Message></Error>"
            ),
            "permission denied (AccessDenied: Access Denied)",
            "denied",
            False,
        ),
        (
            f"{HEAD} - Server returned non-2xx status code: 403 Forbidden: ",
            "permission denied (HTTP 403)",
            "denied",
            False,
        ),
        (
            f"{REQUEST} - Server returned non-2xx status code: 404 Not Found: <Error><Code>NoSuchBucket</Code></Error>",
            "there is no such bucket",
            "NoSuchBucket",
            False,
        ),
        (
            (
                f"{REQUEST} - Server returned non-2xx status code: 503 Slow Down: <Error><Code>SlowDown</Code>"
                "<Message>Please reduce your request rate.</Message></Error>"
            ),
            "SlowDown: Please reduce your request rate.",
            "away",
            True,
        ),
        (f"{HEAD} - Server returned non-2xx status code: 429 Too Many Requests: ", "HTTP 429", "away", True),
        (
            f'{HEAD} - HTTP error: error sending request{SOURCE}Http(HttpError {{ message: "Connection refused" }}',
            "connection refused",
            "away",
            True,
        ),
        (
            f"{HEAD} - HTTP error: error sending request{SOURCE}Http(HttpError {{ kind: Timeout, TimedOut }}",
            "no answer within 30 s",
            "away",
            True,
        ),
        (
            f"{HEAD} - HTTP error: error sending request{SOURCE}Http(HttpError {{ kind: Interrupted }}",
            "the connection broke off",
            "away",
            True,
        ),
        (
            (
                "Generic GCS error: Error performing token request: status code: 403 Forbidden: no"
                '\n\nDebug source:\nGeneric { store: "GCS", source: TokenRequest {'
            ),
            "HTTP 403",
            "keys",
            False,
        ),
    ],
)
def test_the_words_of_the_library_become_a_reason_a_remedy_and_whether_to_wait(
    text: str, reason: str, remedy: str, away: bool
):
    fault = fault_of(text, seconds=30)
    assert (fault.reason, fault.remedy, fault.away) == (reason, REMEDIES[remedy], away)


def test_what_is_not_known_is_told_in_the_librarys_own_words():
    fault = fault_of("Generic S3 error: something\nnew\n\nDebug source:\nwith secrets?", seconds=30)
    assert fault.reason == "Generic S3 error: something new"
    assert not fault.away
