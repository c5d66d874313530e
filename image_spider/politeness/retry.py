"""Whether a request that failed is tried again, and when: pure, the dice are the caller's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from image_spider import causes
from image_spider.politeness.host_state import Observation
from image_spider.politeness.observation import asks_to_wait
from image_spider.politeness.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """How one kind of failure is tried again."""

    times: float = 1.0  # of RETRY_TIMES
    wait: float = 1.0  # of RETRY_DELAY_SECONDS, the bound of the first wait
    spends: bool = True  # from the host's budget of retries
    reason: str = ""


USUAL = RetryRule(reason="most failures are over at once, or last")
TOLD_TO_WAIT = RetryRule(
    times=3, spends=False, reason="the host is well and will answer; its pace, which is slowed, bounds the requests"
)
BY_CAUSE = {
    causes.DNS: RetryRule(times=0.5, wait=5, reason="a name that does not resolve seldom does seconds later"),
}


@dataclass(frozen=True, slots=True)
class RetryTokens:
    """The retries that a host's budget allows: each request adds a share, each retry takes one.

    As Finagle's RetryBudget; gRPC (proposal A6) does the same. A budget is one worker's, so each worker has a reserve.
    """

    left: float

    @classmethod
    def fresh(cls, rules: Rules) -> RetryTokens:
        """Return the budget of a host that was never asked."""
        return cls(rules.retry_reserve)

    def after_request(self, rules: Rules) -> RetryTokens:
        """Return the budget after a first try."""
        return RetryTokens(min(rules.retry_most, self.left + rules.retry_share))

    def after_retry(self) -> RetryTokens:
        """Return the budget after a retry."""
        return RetryTokens(max(0.0, self.left - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a request that failed: tried again after so many seconds, or given up for a reason."""

    wait: float | None  # seconds; None: given up
    spends: bool = False
    given_up: str = ""  # "times" or "budget"


def rule_for(observation: Observation) -> RetryRule:
    """Return how what was observed is tried again."""
    if asks_to_wait(observation):
        return TOLD_TO_WAIT
    return BY_CAUSE.get(observation.cause, USUAL)


def decide(
    observation: Observation,
    *,
    made: int,
    times: int,
    exact: bool,
    tokens: RetryTokens,
    rules: Rules,
    uniform: Callable[[float, float], float],
) -> Decision:
    """Decide on a request that failed after `made` retries; at most `times` are allowed, by the kind if not `exact`.

    The wait is drawn from 0 to a bound that doubles, "full jitter" (Brooker, Exponential Backoff And Jitter, AWS 2015),
    on top of what the server asked for; `uniform` is random.uniform.
    """
    rule = rule_for(observation)
    allowed = times if exact else _rounded_up(times * rule.times)
    if made >= allowed:
        return Decision(wait=None, given_up="times")
    if rule.spends and tokens.left < 1:
        return Decision(wait=None, given_up="budget")
    bound = min(rules.longest_wait, rules.first_wait * rule.wait * 2.0 ** min(made, 30))
    asked = min(observation.retry_after, rules.longest_closed)
    return Decision(wait=asked + uniform(0.0, bound), spends=rule.spends)


def _rounded_up(number: float) -> int:
    return int(-(-number // 1))
