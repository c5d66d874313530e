"""One egg to many nodes at once: all of them run it afterwards, or all run what they ran before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from deploy.deployment.egg import Egg
from deploy.deployment.node_client import Delivery, NodeClient, NodeError
from deploy.deployment.outcome import Outcome, Report, Show, State
from deploy.deployment.target import Target
from deploy.deployment.trial import Trial
from deploy.deployment.versions import Versions, complaints, refusal

Step = Callable[[NodeClient], Awaitable[Outcome]]


class Deployment:
    """Asks every node first; sends nothing unless all can take the egg; puts everything back when one fails.

    With `canaries` so many nodes get the egg first, and the others only when those are verified and the trial, if there
    is one, has succeeded on each. With `partial` the nodes that do not answer at first are left out; the report is
    not well then either.
    """

    def __init__(
        self,
        *,
        clients: Sequence[NodeClient],
        egg: Egg,
        show: Show,
        canaries: int = 0,
        trial: Trial | None = None,
        partial: bool = False,
    ) -> None:
        self._clients = clients
        self._egg = egg
        self._show = show
        self._canaries = canaries
        self._trial = trial
        self._partial = partial
        self._before: dict[Target, Versions] = {}
        self._sent: set[Target] = set()  # may have the egg
        self._taken: set[Target] = set()  # have answered that they took it
        self._unanswered: set[Target] = set()  # may still be at work on it
        self._outcomes = {client.target: Outcome(target=client.target) for client in clients}

    async def run(self) -> Report:
        """Deploy, and report; nodes that fail make no exception. When cancelled, put everything back first."""
        try:
            return await self._run()
        except asyncio.CancelledError:
            begun = [client for client in self._clients if client.target in self._sent]
            await self._each(self._put_back, begun, State.PUTTING_BACK)
            self._spare([client for client in self._clients if client not in begun], "interrupted")
            return self._report()

    async def _run(self) -> Report:
        await self._each(self._look, self._clients, State.ASKING)
        able = [client for client in self._clients if self._state(client) in (State.READY, State.UNCHANGED)]
        if len(able) < len(self._clients) and not (self._partial and able):
            self._spare(able, "nothing was sent to it, for others are not ready")
            return self._report()
        todo = [client for client in able if self._state(client) is State.READY]
        canaries, others = todo[: self._canaries], todo[self._canaries :]
        for wave in (canaries, others):
            await self._each(self._place, wave, State.SENDING)
            if wave is canaries and self._trial:
                placed = [client for client in wave if self._state(client) is State.DEPLOYED]
                await self._each(self._try, placed, State.TRYING)
            if any(self._state(client) is not State.DEPLOYED for client in wave):
                touched = wave if wave is canaries else todo
                await self._each(self._put_back, touched, State.PUTTING_BACK)
                self._spare([client for client in todo if client not in touched], "no canary told that it is safe")
                return self._report()
        await self._each(self._confirm, todo, State.VERIFYING)
        return self._report()

    async def _look(self, client: NodeClient) -> Outcome:
        before = self._before[client.target] = await client.versions()
        seen = replace(self._outcome(client), runs=before.current, is_stock=before.is_stock, message="")
        if before.holds(self._egg.version, self._egg.sha256):
            return replace(seen, state=State.UNCHANGED, message="it runs this egg already", is_verified=True)
        if reason := refusal(before, self._egg.version, self._egg.sha256):
            return replace(seen, state=State.FAILED, message=reason)
        return replace(seen, state=State.READY)

    async def _place(self, client: NodeClient) -> Outcome:
        size = len(self._egg.content)
        self._sent.add(client.target)
        try:
            await client.upload(self._egg, sent=lambda count: self._show.sent(client.target, count / size))
        except NodeError as error:
            if error.delivery is Delivery.NOT_TAKEN:
                self._sent.remove(client.target)
            elif error.delivery is Delivery.UNANSWERED:
                self._unanswered.add(client.target)
            raise
        except asyncio.CancelledError:
            self._unanswered.add(client.target)
            raise
        self._taken.add(client.target)
        self._note(replace(self._outcome(client), state=State.VERIFYING))
        return await self._look_again(client)

    async def _look_again(self, client: NodeClient) -> Outcome:
        egg = self._egg
        after = await client.versions()
        listed = await client.spiders(egg.version)
        seen = replace(self._outcome(client), runs=after.current)
        if wrong := complaints(after, version=egg.version, sha256=egg.sha256, listed=listed, spiders=egg.spiders):
            return replace(seen, state=State.FAILED, message=wrong)
        return replace(seen, state=State.DEPLOYED, is_verified=not after.is_stock)

    async def _confirm(self, client: NodeClient) -> Outcome:
        """Look once more at the end; a node that has died since is nothing that the others need be put back for."""
        try:
            return await self._look_again(client)
        except NodeError as error:
            message = f"it was verified, and then: {error}"
            return replace(self._outcome(client), state=State.UNKNOWN, message=message, is_verified=False)

    async def _try(self, client: NodeClient) -> Outcome:
        assert self._trial
        if wrong := await self._trial.run(client, self._egg):
            return replace(self._outcome(client), state=State.FAILED, message=wrong)
        return replace(self._outcome(client), state=State.DEPLOYED)

    async def _put_back(self, client: NodeClient) -> Outcome:
        """Remove the egg, so that what ran before is current again; by the node's own account afterwards."""
        before, outcome = self._before[client.target], replace(self._outcome(client), is_verified=False)
        if client.target not in self._sent:
            return replace(outcome, state=State.FAILED)
        failed = State.FAILED if outcome.message else State.PUT_BACK
        try:
            if await self._is_ours(client):
                await client.delete(self._egg.version)
            after = await client.versions()
        except NodeError as error:
            again = f"--roll-back {before.current}" if before.current else f"delete {self._egg.version} there"
            message = f"{outcome.message}; not put back: {error}. It may run {self._egg.version} now or later: {again}"
            return replace(outcome, state=State.UNKNOWN, runs=None, message=message.removeprefix("; "))
        # Our node checks an egg while it answers others: it may take it after it was asked to delete it.
        is_open = client.target in self._unanswered and not before.is_stock
        if after.current == before.current and not is_open:
            return replace(outcome, state=failed, runs=after.current)
        if after.current == before.current:
            message = f"{outcome.message}; it runs {after.current}, and may still be checking {self._egg.version}"
            return replace(outcome, state=State.UNKNOWN, runs=after.current, message=message.removeprefix("; "))
        message = f"{outcome.message}; it ran {before.current}, and now runs {after.current}".removeprefix("; ")
        return replace(outcome, state=State.UNKNOWN, runs=after.current, message=message)

    async def _is_ours(self, client: NodeClient) -> bool:
        """Tell whether the version there may be deleted: another deployment may have got its own in under that name."""
        if self._before[client.target].is_stock or client.target in self._taken:
            return True
        told = (await client.versions()).hashes or {}
        return told.get(self._egg.version) == self._egg.sha256

    async def _each(self, step: Step, clients: Sequence[NodeClient], state: State) -> None:
        """Take a step on nodes in parallel."""

        async def take(client: NodeClient) -> None:
            self._note(replace(self._outcome(client), state=state))
            try:
                self._note(await step(client))
            except NodeError as error:
                self._note(replace(self._outcome(client), state=State.FAILED, message=str(error)))

        await asyncio.gather(*(take(client) for client in clients))

    def _spare(self, clients: Sequence[NodeClient], why: str) -> None:
        for client in clients:
            outcome = self._outcome(client)
            state = State.FAILED if outcome.state is State.FAILED else State.UNCHANGED
            self._note(replace(outcome, state=state, message=outcome.message or why))

    def _outcome(self, client: NodeClient) -> Outcome:
        return self._outcomes[client.target]

    def _state(self, client: NodeClient) -> State:
        return self._outcomes[client.target].state

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[outcome.target] = outcome
        self._show.outcome(outcome)

    def _report(self) -> Report:
        outcomes = tuple(self._outcomes.values())
        is_well = all(
            one.runs == self._egg.version and one.state in (State.DEPLOYED, State.UNCHANGED) for one in outcomes
        )
        return Report(version=self._egg.version, sha256=self._egg.sha256, outcomes=outcomes, is_well=is_well)
