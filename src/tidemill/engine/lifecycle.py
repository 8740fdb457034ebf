"""The life of plans in a model world: planned, simulated, sent, landed, answered; the same stages a chain has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from weakref import proxy

from msgspec import structs

from tidemill.engine.adversary import sandwich
from tidemill.engine.book import Overdrawn
from tidemill.engine.flight import Flight, Moment, Sent, Waiting
from tidemill.engine.resolve import Unplannable, resolve
from tidemill.engine.rng import stream
from tidemill.interfaces import (
    Action,
    Block,
    Cancelled,
    Costs,
    Expired,
    Filled,
    Mark,
    Move,
    Of,
    Outcome,
    Pending,
    Plan,
    PositionOf,
    Recorded,
    Result,
    Revert,
    Reverted,
    Skipped,
    Status,
    Transfer,
)

if TYPE_CHECKING:
    from tidemill.engine.world import ModelWorld

__all__ = ["Lifecycle", "unpaid"]

REVERTED: Mapping[str, int] = {"reverted": 1}


class Lifecycle:
    """Every plan under way in ``world``, in order of submission."""

    def __init__(self, world: ModelWorld) -> None:
        self._world: ModelWorld = proxy(world)  # no cycle: a finished world goes at once, with its tapes
        self._known: set[str] = set()
        self.flights: list[Flight] = []

    # --- in and out ---------------------------------------------------------------------------------------------------

    def take(self, plan: Plan) -> None:
        """Start a plan, once: its first step is planned and sent now."""
        if plan.id in self._known:
            return
        self._known.add(plan.id)
        if plan.steps:
            flight = Flight(plan, order=len(self._known), filled=[None] * len(plan.steps), exit=self._world.ended)
            self.flights.append(flight)
            self._plan(flight)

    def cancel(self, plan_id: str) -> None:
        """Answer ``Cancelled`` for every step not sent yet. What has been sent lands all the same."""
        for flight in [f for f in self.flights if f.plan.id == plan_id]:
            sent = isinstance(flight.next, Sent)
            first = flight.step + (len(flight.next.actions) if isinstance(flight.next, Sent) else 0)
            for step in range(first, len(flight.plan.steps)):
                self._answer(flight, step, None, Cancelled())
            flight.plan = structs.replace(flight.plan, steps=flight.plan.steps[:first])
            if not sent:
                self._end(flight)

    def agenda(self) -> list[Moment]:
        """Return every moment at which a flight has something to do."""
        return [moment for flight in self.flights if (moment := flight.agenda())]

    def landing(self, network: str, block: Block) -> list[Flight]:
        """Return the flights whose transaction lands in ``block`` of ``network``, in order of submission."""
        return [f for f in self.flights if isinstance(f.next, Sent) and _is_at(f.next.lands, network, block)]

    def send_due(self, now: Moment) -> None:
        """Send the stages of sagas whose time has come."""
        for flight in list(self.flights):
            if isinstance(flight.next, Waiting) and flight.next.since <= now:
                waiting = flight.next
                if waiting.action is None:
                    self._plan(flight)
                elif later := self._still(waiting.venue):
                    flight.next = structs.replace(waiting, since=later)
                else:
                    flight.venue = waiting.venue
                    self._send(flight, ((waiting.venue, waiting.action),), waiting.action.verb)

    def land(self, flights: list[Flight], block: Block, *, parent: bool = False) -> None:
        """Include the transactions of ``flights`` in ``block``, one after another.

        ``parent`` says that venues still stand at the block before: what accrues by time inside the block is then
        booked with the step.
        """
        for flight in flights:
            self._land(flight, block, parent=parent)

    # --- planning and sending -----------------------------------------------------------------------------------------

    def _plan(self, flight: Flight) -> None:
        """Resolve the next step (all of them if atomic) on the present balances and send it."""
        venue = flight.plan.steps[flight.step].venue
        if later := self._still(venue):
            flight.next = Waiting(venue, None, later)
            return
        try:
            if flight.plan.atomic:
                self._send(flight, self._as_one(flight.plan))
            else:
                intent = flight.plan.steps[flight.step]
                self._send(flight, ((intent.venue, resolve(intent, flight.filled, self._balance(flight.plan))),))
        except Unplannable as refusal:
            self._fail(flight, None, Skipped(refusal.reason))

    def _still(self, venue: str) -> Moment | None:
        """Return when ``venue``'s network includes one's own again, ``None`` where it does now."""
        if not self._world.rules.outages:
            return None
        network = self._world.stage(venue).network
        expected = self._world.next_block(network)
        for outage in self._world.rules.outages:
            if outage.network in ("", network) and outage.start <= expected.time < outage.end:
                block = self._world.networks[network].blocks.first_from(outage.end)
                return Moment(block.time, network, block.number)
        return None

    def _as_one(self, plan: Plan) -> tuple[tuple[str, Action], ...]:
        """Resolve the steps of an atomic plan; refuse where no single transaction can do them."""
        venues = {step.venue for step in plan.steps}
        networks = {self._world.stage(venue).network for venue in venues}
        verbs = {step.verb for step in plan.steps}
        if len(networks) > 1:
            raise Unplannable(f"no transaction spans {' and '.join(sorted(networks))}; make the plan not atomic")
        multicall: frozenset[str] = getattr(self._world.stage(plan.steps[0].venue), "multicall", frozenset())
        if not (self._world.rules.batches or (len(venues) == 1 and verbs <= multicall)):
            raise Unplannable(f"no single transaction does {', '.join(sorted(verbs))} here; make the plan not atomic")
        for step in plan.steps:
            late = (*step.args.values(), *step.limits.amounts.values())
            if any(isinstance(arg, Of | PositionOf) for arg in late):
                raise Unplannable(
                    "a step of one transaction cannot take amounts from another: its data is fixed before"
                )
        return tuple((step.venue, resolve(step, (), self._balance(plan))) for step in plan.steps)

    def _send(self, flight: Flight, actions: tuple[tuple[str, Action], ...], stage: str = "") -> None:
        """Simulate, check deadline and fee, and put the transaction on its way; else answer why not."""
        world, rules = self._world, self._world.rules
        network = world.stage(actions[0][0]).network
        expected = world.next_block(network)
        steps = flight.plan.steps[flight.step : flight.step + len(actions)]
        max_fee = min((s.limits.max_fee for s in steps if s.limits.max_fee is not None), default=None)
        deadlines = [d for _, action in actions if (d := action.limits.get("deadline")) is not None]
        if deadlines and expected.time > min(deadlines):
            self._fail(flight, actions[0][1], Expired())
            return
        refusal, costs = self._simulate(flight.plan, network, expected, actions, simulate=rules.simulate)
        if refusal is None:
            refusal = self._unaffordable(flight.plan, network, costs, max_fee)
        if refusal is not None:
            self._fail(flight, actions[0][1], Skipped(refusal))
            return
        number = expected.number + self._jitter(flight, stage)
        lands = world.networks[network].blocks.number(number)
        self._dispatch(flight, Sent(flight.step, actions, Moment(lands.time, network, lands.number), stage))

    def _dispatch(self, flight: Flight, sent: Sent) -> None:
        """Put a transaction on its way; a world over a chain that mines by itself sends it here."""
        flight.next = sent

    def _simulate(
        self, plan: Plan, network: str, block: Block, actions: tuple[tuple[str, Action], ...], *, simulate: bool
    ) -> tuple[str | None, Costs]:
        """Try the transaction on the present state: why it must not be sent, and what it would cost."""
        tx = self._world.transaction(network, block)
        try:
            results = [tx.run(venue, action) for venue, action in actions]
            costs = self._price(actions, results, block)
            return self._beyond(plan, network, tx.transfers, costs), costs
        except Revert as revert:
            venue, action = actions[0]
            costs = self._world.cost(venue, action.verb, REVERTED, block)
            return (f"would revert: {revert.reason}" if simulate else None), costs
        finally:
            tx.undo()

    def _unaffordable(self, plan: Plan, network: str, costs: Costs, max_fee: int | None) -> str | None:
        native = self._world.networks[network].native
        if max_fee is not None and costs.total > max_fee:
            return f"fee {costs.total} above max_fee {max_fee}"
        held = self._world.held(_payer(plan), native)
        return f"fee {costs.total} above the {held} {native} held" if costs.total > held else None

    def _jitter(self, flight: Flight, stage: str) -> int:
        most = self._world.rules.delay_jitter
        if not most:
            return 0
        return stream("delay", self._world.rules.run, flight.plan.id, flight.step, stage).randint(0, most)

    # --- landing ------------------------------------------------------------------------------------------------------

    def _land(self, flight: Flight, block: Block, *, parent: bool) -> None:
        sent = flight.next
        assert isinstance(sent, Sent)
        network = sent.lands.network
        name = f"{flight.plan.id}/{sent.first_step}{'/' + sent.stage if sent.stage else ''}"
        before = self._world.scribe.look("before", parent=parent)
        tx = self._world.transaction(network, block, landing=name)
        rules = self._world.rules
        results: list[Result] = []
        moved: list[tuple[Transfer, ...]] = []
        reason: str | None = None
        for venue, action in sent.actions:
            done = len(tx.transfers)
            if block.time > action.limits.get("deadline", block.time):
                reason = "deadline"
                break
            try:
                result = tx.run(venue, action)
                results.append(sandwich(tx, action, result, rules.adversary_bps) if rules.adversary else result)
            except Revert as revert:
                reason = revert.reason
                break
            moved.append(tx.transfers[done:])
        if reason is not None:
            tx.undo()
            self._land_reverted(flight, sent, block, failed=len(results), reason=reason, name=name, before=before)
            return
        costs = self._price(sent.actions, results, block)
        beyond = self._beyond(flight.plan, network, tx.transfers, costs)
        if beyond or not self._charge(flight.plan, network, costs):
            tx.undo()
            self._fail(flight, sent.actions[0][1], Skipped(beyond or f"fee {costs.total} could not be paid"))
            return
        self._world.scribe.put(before)
        self._reimburse(flight.plan, network, costs)
        for i, ((_, action), result) in enumerate(zip(sent.actions, results, strict=True)):
            status: Status = result.pending or Filled(dict(result.amounts), result.position)
            paid = costs if i == 0 else Costs()
            self._answer(
                flight, sent.first_step + i, action, status,
                result=result, costs=paid, features=result.features, transfers=moved[i], tx=name,
            )  # fmt: skip
        self._world.scribe.mark("after")
        self._go_on(flight, sent, results)

    def _land_reverted(
        self, flight: Flight, sent: Sent, block: Block, *, failed: int, reason: str, name: str, before: Mark
    ) -> None:
        venue, action = sent.actions[failed]
        costs = self._world.cost(venue, action.verb, REVERTED, block)
        if not self._charge(flight.plan, sent.lands.network, costs):
            self._fail(flight, action, Skipped(f"fee {costs.total} could not be paid"))
            return
        self._world.scribe.put(before)
        self._reimburse(flight.plan, sent.lands.network, costs)
        for step in range(sent.first_step, sent.first_step + failed):
            self._answer(flight, step, None, Skipped(f"undone: step {sent.first_step + failed} reverted"), tx=name)
        flight.step = sent.first_step + failed
        self._fail(flight, action, Reverted(reason), costs, name)
        self._world.scribe.mark("after")

    def _go_on(self, flight: Flight, sent: Sent, results: list[Result]) -> None:
        """After success: the saga's next stage, the next step, or the end."""
        result, (venue, action) = results[-1], sent.actions[-1]
        if isinstance(result.pending, Pending):
            flight.next = self._wait(result.pending, venue, action, result.position)
            return
        for i, filled in enumerate(results):
            flight.filled[sent.first_step + i] = Filled(dict(filled.amounts), filled.position)
        flight.step, flight.next, flight.venue = sent.first_step + len(results), None, ""
        if flight.step < len(flight.plan.steps):
            self._plan(flight)
        else:
            self._end(flight)

    def _wait(self, pending: Pending, venue: str, action: Action, position: str | None) -> Waiting:
        network = self._world.networks[pending.network]
        block = max(
            network.blocks.first_from(pending.not_before.time), network.blocks.number(pending.not_before.number)
        )
        args = dict(action.args) | ({"position": position} if position is not None else {})
        since = Moment(block.time, pending.network, block.number)
        return Waiting(pending.venue or venue, Action(pending.stage, args, action.limits), since)

    # --- money and answers --------------------------------------------------------------------------------------------

    def _price(self, actions: tuple[tuple[str, Action], ...], results: list[Result], block: Block) -> Costs:
        if len(actions) == 1:
            venue, action = actions[0]
            return self._world.cost(venue, action.verb, results[0].features, block)
        features: Counter[str] = Counter()
        for (_, action), result in zip(actions, results, strict=True):
            features.update(result.features)
            features[f"call:{action.verb}"] += 1
        return self._world.cost(actions[0][0], "multicall", dict(features), block)

    def _beyond(self, plan: Plan, network: str, moved: Sequence[Transfer], costs: Costs) -> str | None:
        """Say what a transaction would take beyond the purse it lives from, its fee included where that pays it.

        The chain knows one account, in which the other purses' money lies: only this keeps plans off it.
        """
        world = self._world
        if not world.scribe.purses.names:
            return None  # the wallet is one purse, and the book keeps it
        spent: Counter[str] = Counter()
        for transfer in moved:
            spent[transfer.token] += transfer.amount * (transfer.source == world.account)
            spent[transfer.token] -= transfer.amount * (transfer.target == world.account)
        if _payer(plan) == plan.purse:
            spent[world.networks[network].native] += costs.total
        for token, amount in spent.items():
            held = world.held(plan.purse, token)
            if amount > held:
                return f"purse {plan.purse or 'common'} holds {held} {token}, not {amount}"
        return None

    def _charge(self, plan: Plan, network: str, costs: Costs) -> bool:
        """Pay the fee to ``NETWORK:fees``; say whether there was enough."""
        native = self._world.networks[network].native
        if costs.total > self._world.held(_payer(plan), native):
            return False
        try:
            self._world.book.move(Transfer(native, self._world.account, f"{network}:fees", costs.total))
        except Overdrawn:
            return False
        return True

    def _reimburse(self, plan: Plan, network: str, costs: Costs) -> None:
        """Let the purse that pays a fee give it to the one whose transaction it was for."""
        if costs.total and _payer(plan) != plan.purse:
            native = self._world.networks[network].native
            self._world.scribe.move(Move(_payer(plan), plan.purse, native, costs.total), "gas")

    def _balance(self, plan: Plan) -> Callable[[str], int]:
        return lambda token: self._world.held(plan.purse, token)

    def _answer(
        self,
        flight: Flight,
        step: int,
        action: Action | None,
        status: Status,
        *,
        result: Result | None = None,
        costs: Costs | None = None,
        features: Mapping[str, int] | None = None,
        transfers: tuple[Transfer, ...] = (),
        tx: str = "",
    ) -> None:
        """Record what became of a step and tell it."""
        world, intent, costs = self._world, flight.plan.steps[step], costs or Costs()
        venue = flight.venue if step == flight.step and flight.venue else intent.venue
        network = world.stage(venue).network
        line = Recorded(
            seq=-1,
            at=world.at[network],
            network=network,
            native=world.networks[network].native,
            plan=flight.plan.id,
            step=step,
            venue=venue,
            verb=action.verb if action else intent.verb,
            status=status,
            costs=costs,
            action=action,
            result=result,
            features=dict(features or {}),
            phase="exit" if flight.exit else "run",
            transfers=transfers,
            tx=tx,
        )
        world.scribe.recorded(line)
        world.tell(Outcome(flight.plan.id, step, line.at, costs, status))

    def _fail(
        self, flight: Flight, action: Action | None, status: Status, costs: Costs | None = None, tx: str = ""
    ) -> None:
        """Answer the present step with ``status`` and skip the rest."""
        features = REVERTED if isinstance(status, Reverted) else None
        self._answer(flight, flight.step, action, status, costs=costs, features=features, tx=tx)
        for step in range(flight.step + 1, len(flight.plan.steps)):
            self._answer(flight, step, None, Skipped(f"step {flight.step} failed"))
        self._end(flight)

    def _end(self, flight: Flight) -> None:
        flight.next = None
        self.flights.remove(flight)


def unpaid(status: Status) -> bool:
    """Say whether a step was left undone because the wallet could not pay its fee; a limit of one's own is no such cause."""
    reason = status.reason if isinstance(status, Skipped) else ""
    return reason.startswith("fee ") and "max_fee" not in reason


def _payer(plan: Plan) -> str:
    return plan.purse if plan.payer is None else plan.payer


def _is_at(lands: Moment, network: str, block: Block) -> bool:
    return lands.network == network and lands.number == block.number
