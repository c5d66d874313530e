"""Workers that freeze inside a transaction, with locks for which all others wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.postgres import PostgresPair
from tests.system.catalog_faults.writers import Writers

FULL = os.environ.get("IMAGE_SPIDER_FAULTS") == "full"
SOONER = "?options=-c%20idle_in_transaction_session_timeout%3D3s"  # DATABASE_URL's options win


def test_a_worker_that_freezes_inside_a_transaction_does_not_hold_the_others_up_for_ever(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        url = pair.url if FULL else pair.url + SOONER
        command = [sys.executable, "-m", "tests.system.catalog_faults.holder", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as frozen:
            try:
                assert frozen.stdout
                assert frozen.stdout.readline() == b"held\n"
                frozen.send_signal(signal.SIGSTOP)
                writers.go_on()
            finally:
                frozen.kill()
        writers.assert_kept(pair.primary, "a worker frozen inside its transaction")
        assert writers.outage() > 1, "nobody waited for the frozen one: the test would pass by luck"
