"""The model world: venues in memory with a chain's life cycle.

Between decisions no strategy code runs: the world finds the earliest of everything that may happen (a wake condition at
some venue or oracle, a transaction landing, a saga's next stage, another actor, the end), advances every venue there,
and hands out the news. A wake *follows* its trigger: the view shows the end of the block in which the condition first
held, and what is decided there lands ``inclusion_delay`` blocks later. That over-shoot is real: a chain has it too.

Order within a block: oracle updates, recorded events, other actors, own transactions in order of submission
(``placement="last"``); with ``"first"`` own transactions come before the block's recorded events; with ``"seeded"`` a
coin seeded by (run, network, block) chooses between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import structs

from tidemill.engine.blocks import Network
from tidemill.engine.book import Book
from tidemill.engine.flight import Moment
from tidemill.engine.lifecycle import Lifecycle
from tidemill.engine.resolve import Unplannable, check_references, resolve
from tidemill.engine.rng import stream
from tidemill.engine.rules import Actor, CostOf, Inflow, Rules, free
from tidemill.engine.scribe import PricesOf, RatesOf, Scribe
from tidemill.engine.transaction import Transaction, stage_of
from tidemill.engine.view import ModelView
from tidemill.engine.wakes import check_wake, first_hit, fixed_moment
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import (
    COMMON,
    Befell,
    Block,
    Costs,
    Happened,
    Intent,
    Mark,
    Move,
    Moved,
    News,
    Plan,
    Position,
    Price,
    Rate,
    Recorded,
    Result,
    Revert,
    Stage,
    Transfer,
    Wake,
    Why,
)
from tidemill.ledger.families import CONTRIBUTED
from tidemill.ledger.holdings import holdings
from tidemill.venues.shared.oracle import Oracle, Reading

__all__ = ["ModelWorld", "no_prices", "no_rates"]


def no_prices(world: ModelWorld) -> Mapping[str, Price]:  # noqa: ARG001
    """Know no price."""
    return {}


def no_rates(world: ModelWorld) -> Mapping[str, Rate]:  # noqa: ARG001
    """Know no receipt token."""
    return {}


_Why = Literal["condition", "agenda", "sample", "end"]


class ModelWorld:
    """Venues, networks and one strategy's account, in memory.

    Parameters
    ----------
    networks : with their blocks and native tokens. stages : the venues, advanced in this order.
    funds : raw units by token in the wallet at the start (they come from ``market``).
    rules : delays, placement, simulation. cost : prices a transaction. oracles, actors : others in this world.
    prices, rates : for the marks, asked of this world as it stands.
    inflows : what the owner brings later; what would come at the end or after does not.
    account : own name in the book. outside : accounts of it that may go below zero.
    """

    def __init__(
        self,
        networks: Iterable[Network],
        stages: Iterable[Stage],
        funds: Mapping[str, int],
        rules: Rules,
        *,
        cost: CostOf = free,
        oracles: Iterable[Oracle] = (),
        actors: Sequence[Actor] = (),
        prices: PricesOf = no_prices,
        rates: RatesOf = no_rates,
        inflows: Iterable[Inflow] = (),
        account: str = "me",
        outside: Iterable[str] = ("market",),
    ) -> None:
        if rules.inclusion_delay < 1:
            raise BadInput("a transaction lands one block later at the earliest", field="inclusion_delay")
        if rules.end <= rules.start:
            raise BadInput(f"the run ends at {rules.end}, not after its start at {rules.start}", field="end")
        self.networks = {n.id: n for n in sorted(networks, key=lambda n: n.id)}
        self.stages = {s.id: s for s in stages}
        for stage in self.stages.values():
            meet = getattr(stage, "meet", None)
            if meet is not None:
                meet(self.stages)
        self.oracles = {o.id: o for o in oracles}
        placed: list[Stage | Oracle | Actor] = [*self.stages.values(), *self.oracles.values(), *actors]
        for one in placed:
            if one.network not in self.networks:
                raise UnknownName("network", one.network, self.networks, field=one.id)
        self.rules, self.cost, self.account, self._actors = rules, cost, account, tuple(actors)
        self.book = Book({"market", *outside})
        for token, amount in sorted(funds.items()):
            self.book.move(Transfer(token, "market", account, amount))
        self.at: dict[str, Block] = {n: net.blocks.last_until(rules.start) for n, net in self.networks.items()}
        self.scribe = Scribe(self, prices, rates)
        self.refusals: dict[tuple[str, str], str] = {}
        """Why a quote was refused last, by venue and verb: what a strategy does not send leaves no other trace."""
        self.epoch = 0
        self.ended = self._started = False
        self._news: list[News] = []
        self._lives = Lifecycle(self)
        self._inflows = self._expected(inflows)
        for name, block in self.at.items():
            self._advance(name, block)

    @property
    def record(self) -> Sequence[Recorded | Befell]:
        """Every step answered and every event suffered, in order."""
        return self.scribe.record

    @property
    def marks(self) -> Sequence[Mark]:
        """Snapshots at the start, around every own step, at each decision and at the end."""
        return self.scribe.marks

    @property
    def moved(self) -> Sequence[Moved]:
        """Every move between purses so far, in order."""
        return self.scribe.moved

    # --- the world's interface ----------------------------------------------------------------------------------------

    def advance(self, wake: Wake) -> tuple[ModelView, Sequence[News]]:
        """Move to the first moment at which the wake holds or there is news; the end of the run wakes as well.

        Time always goes on by at least one block, so a condition that already holds wakes at the next one.
        """
        self.epoch += 1
        if not self._started:
            self._started = True
            return self._observe("start")
        check_wake(self, wake)
        asked = fixed_moment(self, wake)
        while True:
            moment, why = self._next(wake, asked)
            self._move_to(moment)
            self.ended = self.ended or why == "end"
            if why == "sample":
                self.scribe.mark("sample")
            if self._news or why in {"condition", "end"}:
                return self._observe("end" if self.ended else "news" if self._news else "condition")

    def submit(self, plans: Sequence[Plan], cancels: Sequence[str]) -> None:
        """Take plans and cancels; a plan id already known is not taken twice.

        Raises
        ------
        BadInput : a step names an unknown venue or takes an amount from a later step, or a plan has no id.
        """
        for plan in plans:
            if not plan.id:
                raise BadInput("a plan without an id; ids are given by the run", field="id")
            check_references(plan)
            for step in plan.steps:
                self.stage(step.venue)
        for cancelled in cancels:
            self._lives.cancel(cancelled)
        for plan in plans:
            self._lives.take(plan)

    def allot(self, moves: Sequence[Move]) -> None:
        """Move tokens between purses.

        Raises
        ------
        BadInput : a move takes more than the purse holds.
        """
        for move in moves:
            held = self.held(move.source, move.token)
            if not 0 < move.amount <= held:
                raise BadInput(
                    f"{move.amount} {move.token} cannot leave purse {move.source or 'common'}, which holds {held}",
                    field="moves",
                )
            self.scribe.move(move, "plan")

    # --- what views ask -----------------------------------------------------------------------------------------------

    def stage(self, venue: str) -> Stage:
        """Return the stage called ``venue``; raises ``UnknownName``."""
        return stage_of(self.stages, venue)

    def positions(self) -> tuple[Position, ...]:
        """Return everything the account holds at venues, by venue."""
        return tuple(p for stage in self.stages.values() for p in stage.positions(self.account))

    def plans_in_flight(self) -> tuple[Plan, ...]:
        """Return plans not finally answered, in order of submission."""
        return tuple(flight.plan for flight in self._lives.flights)

    def held(self, purse: str, token: str) -> int:
        """Return raw units of ``token`` in a purse of the wallet; everything is in ``COMMON`` until something is allotted."""
        purses = self.scribe.purses
        if purses.names:
            return purses.balance(purse, token)
        return self.book.balance(token, self.account) if purse == COMMON else 0

    def purses(self) -> dict[str, dict[str, int]]:
        """Return what is in each purse; raises ``InvariantBroken`` if together they are not the wallet."""
        wallet, purses = self.book.holdings(self.account), self.scribe.purses
        if not purses.names:
            return {COMMON: wallet}
        purses.check(wallet)
        return {name: purses.holdings(name) for name in (COMMON, *purses.names)}

    def read_oracle(self, oracle_id: str) -> Reading:
        """Read a feed at its network's present block."""
        if oracle_id not in self.oracles:
            raise UnknownName("oracle", oracle_id, self.oracles)
        oracle = self.oracles[oracle_id]
        return oracle.reading(self.at[oracle.network].time)

    def quote(self, intent: Intent) -> Result:
        """Do ``intent`` on the present state as if the wallet could pay for it, undo it, return the result.

        Raises ``Revert`` as the contract would.
        """
        try:
            action = resolve(intent, (), lambda token: self.book.balance(token, self.account))
        except Unplannable as why:
            raise BadInput(f"cannot quote {intent.verb} alone: {why.reason}", field="quote") from why
        stage = self.stage(intent.venue)
        block = self.next_block(stage.network)
        tx = Transaction(self.stages, self.book, block, stage.network, self.account, on_credit=True)
        try:
            return tx.run(intent.venue, action)
        except Revert as why:
            self.refusals[intent.venue, intent.verb] = why.reason
            raise
        finally:
            tx.undo()

    def fee(self, intent: Intent) -> Costs:
        """Return the costs of ``intent`` with the features its quote shows (those of a revert if it would revert)."""
        block = self.next_block(self.stage(intent.venue).network)
        try:
            features = self.quote(intent).features
        except Revert:
            features = {"reverted": 1}
        return self.cost(intent.venue, intent.verb, features, block)

    # --- what the life cycle asks -------------------------------------------------------------------------------------

    def transaction(
        self,
        network: str,
        block: Block,
        sender: str | None = None,
        *,
        landing: str = "",
    ) -> Transaction:
        """Open a transaction in ``block``, by default one's own.

        ``landing`` names a transaction of one's own that is included for good; without it what is done is taken back.
        """
        if landing:
            self.enter(network, block)
        return Transaction(self.stages, self.book, block, network, sender or self.account)

    def enter(self, network: str, block: Block) -> None:
        """Let the clock of every venue there come to ``block``: what its views say behind an own step is of that time."""
        for stage in self.stages.values():
            enter = getattr(stage, "enter", None)
            if stage.network == network and enter is not None:
                enter(block)

    def next_block(self, network: str) -> Block:
        """Return the block in which a step sent now is included, jitter apart."""
        return self.networks[network].blocks.number(self.at[network].number + self.rules.inclusion_delay)

    def tell(self, news: News) -> None:
        """Queue news for the next view."""
        self._news.append(news)

    # --- time ---------------------------------------------------------------------------------------------------------

    def _next(self, wake: Wake, asked: Moment | None) -> tuple[Moment, _Why]:
        """Return the earliest thing to happen and what it is."""
        agenda = self._lives.agenda()
        if self._news:  # refused at once or happened at the start: told one block later, so that time always goes on
            agenda.append(min(map(self.block_after, self.networks)))
        if self.ended:
            return (
                min(agenda) if agenda else min(self.block_after(n) for n in self.networks)
            ), "agenda" if agenda else "end"
        end = Moment(time=self.rules.end, network="\U0010ffff", number=0)
        moment: Moment = end
        why: _Why = "end"
        for candidate in agenda:
            if candidate < moment:
                moment, why = candidate, "agenda"
        if self._inflows and self._inflows[0][0] < moment:
            moment, why = self._inflows[0][0], "agenda"
        if asked and asked <= moment and asked.time < self.rules.end:  # at the end the end wakes
            moment, why = asked, "condition"
        hit = first_hit(self, wake, moment)
        if hit and hit <= moment and hit.time < self.rules.end:
            moment, why = hit, "condition"
        sample = self._next_sample()
        if sample and sample < moment:
            moment, why = sample, "sample"
        for actor in self._actors:
            block = actor.next_act(self.networks[actor.network].blocks.last_until(moment.time))
            if block:
                acts = max(Moment(block.time, actor.network, block.number), self.block_after(actor.network))
                if acts < moment:
                    moment, why = acts, "agenda"
        return moment, why

    def _next_sample(self) -> Moment | None:
        every = self.rules.sample_every
        if every is None:
            return None
        now = max(block.time for block in self.at.values())
        time = self.rules.start + ((now - self.rules.start) // every + 1) * every  # down, then the next one
        return None if time >= self.rules.end else self.first_block(time)

    def first_block(self, time: int) -> Moment:
        """Return the first block of any network at ``time`` or later, at least one ahead."""
        firsts = ((name, network.blocks.first_from(time)) for name, network in self.networks.items())
        return min(max(Moment(b.time, name, b.number), self.block_after(name)) for name, b in firsts)

    def block_after(self, network: str) -> Moment:
        """Return the moment of the next block of ``network``."""
        block = self.networks[network].blocks.number(self.at[network].number + 1)
        return Moment(block.time, network, block.number)

    def _move_to(self, moment: Moment) -> None:
        """Advance every network to ``moment`` (networks later in the tie order stay just before it)."""
        for name, network in self.networks.items():
            if name == moment.network:
                self._enter(name, moment.block)
                continue
            block = network.blocks.last_until(moment.time if name < moment.network else moment.time - 1)
            if block.number > self.at[name].number:
                self._play(name, block)
        self._receive(moment)
        self._lives.send_due(moment)

    def _expected(self, inflows: Iterable[Inflow]) -> list[tuple[Moment, Inflow]]:
        """Return what is to come with its moment: a block of the token's own network."""
        found = []
        for inflow in sorted(inflows):
            network = inflow.token.partition("@")[2]
            if network not in self.networks:
                raise UnknownName("network", network, self.networks, field="inflows")
            block = self.networks[network].blocks.first_from(inflow.time)
            if self.rules.start < block.time < self.rules.end:
                found.append((Moment(block.time, network, block.number), inflow))
        return found

    def _receive(self, moment: Moment) -> None:
        """Take in what the owner brings by now, and tell it."""
        while self._inflows and self._inflows[0][0] <= moment:
            _, inflow = self._inflows.pop(0)
            before = self.scribe.look("before")
            self._bring(inflow, moment)
            came = Transfer(inflow.token, "market", self.account, inflow.amount)
            self._suffer(before, [Happened("", "", CONTRIBUTED, {came.token: came.amount}, moment.block, (came,))])

    def _bring(self, inflow: Inflow, moment: Moment) -> None:
        """Make what the owner brings there; in memory the book does it."""

    def _enter(self, network: str, block: Block) -> None:
        """Play up to and including ``block``, with own transactions that land in it where they stand in it."""
        due = self._lives.landing(network, block)
        if due and self._before_the_flow(network, block):
            self._play(network, self.networks[network].blocks.number(block.number - 1))
            self.at[network] = block
            self._lives.land(due, block, parent=True)
            self._advance(network, block)
        else:
            self._play(network, block)
            self._lives.land(due, block)

    def _before_the_flow(self, network: str, block: Block) -> bool:
        if self.rules.placement == "seeded":
            return stream("placement", self.rules.run, network, block.number).random() < 0.5
        return self.rules.placement == "first"

    def _play(self, network: str, block: Block) -> None:
        """Play up to and including ``block``, stopping just before each block in which something befalls a position."""
        blocks = self.networks[network].blocks
        stages = [stage for stage in self.stages.values() if stage.network == network]
        while self.at[network].number < block.number:
            foreseen = [b.number for stage in stages if (b := stage.next_wake((), block))]
            # What acts at other venues does so in its block: none of them may be ahead of it.
            reaching = [reach(block) for stage in stages if (reach := getattr(stage, "next_reach", None))]
            foreseen += [b.number for b in reaching if b]
            nearest = max(min(foreseen, default=block.number), self.at[network].number + 1)
            if nearest - 1 > self.at[network].number and foreseen:
                self._advance(network, blocks.number(nearest - 1))
            self._advance(network, blocks.number(nearest))

    def _advance(self, network: str, block: Block) -> None:
        """Recorded events up to ``block``, then the other actors, then whatever they brought about."""
        before = self.scribe.look("before", parent=True)
        self.at[network] = block
        stages = [stage for stage in self.stages.values() if stage.network == network]
        self._suffer(before, [event for stage in stages for event in stage.advance(block)])
        for actor in self._actors:
            wants = actor.next_act(block) if actor.network == network else None
            if wants and wants.number <= block.number:
                before = self.scribe.look("before")
                tx = self.transaction(network, block, actor.id)
                try:
                    actor.act(tx.context())
                except Revert:
                    tx.undo()
                self._suffer(before, [event for stage in stages for event in stage.advance(block)])

    def _suffer(self, before: Mark, happened: Sequence[Happened]) -> None:
        """Write down and tell what befell positions, between the mark ``before`` it and one after."""
        suffered = [own for event in happened if (own := self._own_part(before, event))]
        if not suffered:
            return
        self.scribe.put(before)
        for event in suffered:
            for transfer in event.transfers:
                self.book.move(transfer)
            self.scribe.befell(event)
            self._news.append(event)
        self.scribe.mark("after")

    def _own_part(self, before: Mark, event: Happened) -> Happened | None:
        """What befell a receipt token befell its holders: fill in one's own part, wherever the shares lie.

        ``None`` where one holds none. The venue knows only what it issued, the marks see through to all of it.
        """
        if not event.position.endswith("#shares"):
            return event
        marks = before, self.scribe.look("after")
        was, now = (holdings(mark).claims.get(event.position) for mark in marks)
        if was is None or now is None:
            return None
        lost = {token: amount - was.principal[token] for token, amount in now.principal.items()}
        return structs.replace(event, amounts=lost)

    def _observe(self, why: Why) -> tuple[ModelView, Sequence[News]]:
        news, self._news = tuple(self._news), []
        self.scribe.mark("start" if why == "start" else "decision")
        return ModelView(self, why, self.epoch), news

    def close(self) -> None:
        """Write down the last mark; the run loop calls it once, when nothing is left to do."""
        self.scribe.mark("end")
