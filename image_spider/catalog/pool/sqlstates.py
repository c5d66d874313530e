"""What an error of PostgreSQL means for work that may be run again: the one table of SQLSTATEs."""

from __future__ import annotations

from enum import Enum

import psycopg2


class UncertainCommit(psycopg2.OperationalError):  # type: ignore[misc]  # psycopg2 has no types
    """COMMIT was sent, and nobody knows what became of it, or no standby has confirmed it."""


class Verdict(Enum):
    """What to do with work that failed; all but the last two need work that may be run again."""

    RETRY = "run it again here"
    REROUTE = "look for the primary, and run it again there"
    UNKNOWN_COMMIT = "it may be committed: look for the primary, and run it again there"
    CONFIGURATION = "the configuration is wrong, and waiting does not mend it"
    DATA = "the work itself is wrong"


# By whole SQLSTATE, else by its class of two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html
SQLSTATES: dict[str, Verdict] = {
    "08": Verdict.REROUTE,  # connection exceptions
    "25006": Verdict.REROUTE,  # read-only transaction: a standby, or a demoted primary
    "57P": Verdict.REROUTE,  # shutdown, crash, not up yet, database dropped, idle too long, pg_terminate_backend
    "25P03": Verdict.REROUTE,  # idle in transaction for too long: the session is gone
    "25P04": Verdict.REROUTE,  # the transaction took too long: the session is gone
    "40": Verdict.RETRY,  # serialization failure, deadlock
    "40003": Verdict.UNKNOWN_COMMIT,  # statement completion unknown
    "55006": Verdict.RETRY,  # object in use
    "55P03": Verdict.RETRY,  # lock not available
    "57014": Verdict.RETRY,  # cancelled
    "53": Verdict.RETRY,  # no disk, memory or connection left
    "58": Verdict.RETRY,  # input or output error of the server
    "28": Verdict.CONFIGURATION,  # password, pg_hba.conf
    "3D": Verdict.CONFIGURATION,  # no such database
    "42501": Verdict.CONFIGURATION,  # no right to do that
}


def verdict(error: psycopg2.Error) -> Verdict:
    """Judge an error; one without a SQLSTATE comes from libpq itself, which has lost its server."""
    if isinstance(error, UncertainCommit):
        return Verdict.UNKNOWN_COMMIT
    code = error.pgcode or ""
    for known in (code, code[:3], code[:2]):
        if known in SQLSTATES:
            return SQLSTATES[known]
    lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and not code
    return Verdict.REROUTE if lost else Verdict.DATA
