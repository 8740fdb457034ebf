"""A world over a chain that mines by itself: look at the head, decide, send, and learn from the blocks that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tidemill.engine.chain_live import LiveChain, LiveStage, Mined
from tidemill.engine.chain_world import ChainWorld
from tidemill.engine.flight import Flight, Moment, Sent
from tidemill.engine.lifecycle import Lifecycle
from tidemill.engine.view import ModelView
from tidemill.engine.wakes import check_wake
from tidemill.engine.world import ModelWorld
from tidemill.errors import BadInput
from tidemill.execution.executor import NotSent
from tidemill.interfaces import (
    At,
    Block,
    Claimable,
    Condition,
    Crosses,
    EventCount,
    Every,
    News,
    Skipped,
    TickLeaves,
    Wake,
)

if TYPE_CHECKING:
    from tidemill.engine.blocks import Blocks

__all__ = ["LiveWorld"]


class LiveWorld(ChainWorld):
    """``World`` whose time is the chain's own: it goes on while a strategy decides.

    Nothing is foreseen: conditions are looked at whenever a new head is seen. Block numbers are those of the study's
    network at the same second. ``chain`` is a ``LiveChain``, its stages are ``LiveStage``.
    """

    chain: LiveChain
    stages: dict[str, LiveStage]  # type: ignore[assignment]

    def __init__(self, *args: Any, chain: LiveChain, **named: Any) -> None:
        self.chain = chain
        super().__init__(*args, chains={network.id: chain for network in named["networks"]}, **named)
        (self._network,) = self.networks
        self._flights = LiveLifecycle(self)
        self._lives = self._flights
        self._unchecked, self._settled = False, True
        self.delays: list[int] = []
        """Seconds of world time between the head a step was decided at and the block that included it."""

    @property
    def _blocks(self) -> Blocks:
        return self.networks[self._network].blocks

    @property
    def now(self) -> Block:
        """The head that was seen last."""
        return self.at[self._network]

    # --- the world's interface ----------------------------------------------------------------------------------------

    def advance(self, wake: Wake) -> tuple[ModelView, Sequence[News]]:
        """Wait for new heads until the wake holds at one, there is news, or the window is over."""
        self.epoch += 1
        if not self._started:
            self._started = True
            self.chain.begin(self.now)
            return self._observe("start")
        check_wake(self, wake)
        held = [_Watch(self, condition) for condition in wake]
        while True:
            self._follow(self.chain.wait())
            if self.now.time >= self.rules.end:
                first, self.ended = not self.ended, True
                if first or self._news or not self._flights.flights:
                    return self._observe("end")
            elif self._news or any(watch.holds() for watch in held):
                return self._observe("news" if self._news else "condition")

    def close(self) -> None:
        """Let the chain come to rest, go through its last blocks, and write down the last mark."""
        self.chain.finish()
        self._follow(self.chain.newest())
        self._unchecked = True
        self._check()
        super().close()

    # --- blocks -------------------------------------------------------------------------------------------------------

    def next_block(self, network: str) -> Block:
        """Return the block in which a step sent now is included if it comes in time."""
        time = self.at[network].time + self.chain.pace.seconds_per_block
        return self._block(time)

    def _block(self, time: int) -> Block:
        return Block(time=time, number=self._blocks.last_until(time).number)

    def _follow(self, head: int) -> None:
        """Check the head seen last, which no longer changes, and go through every block from there up to ``head``."""
        chain, own = self.chain, False
        self._check()
        chain.following = True
        try:
            for number in range(chain.head + 1, head + 1):
                time, transactions = chain.mined(number)
                own |= self._include(self._block(time), transactions)
        finally:
            chain.following = False
        chain.head = chain.ground.rpc.pin = head
        self._unchecked |= own
        self._settled = chain.quiet
        if own or not chain.quiet:
            chain.poll()
        self._flights.go_on()

    def _check(self) -> None:
        """Compare models and books with the chain; books wait until nothing of one's own is half included."""
        for stage in self.stages.values():
            stage.check(self.now)
        if self._unchecked and self._settled:
            self._unchecked = False
            self.chain.check_books(self.book.holdings(self.account))

    def _include(self, block: Block, transactions: Sequence[Mined]) -> bool:
        """Do what a block holds, in its order; say whether there was anything of one's own."""
        own = False
        self.at[self._network] = block
        self.enter(self._network, block)
        for tx in transactions:
            if not self.chain.is_own(tx):
                before = self.scribe.look("before") if self.chain.strikes(tx) else None
                self.chain.others_did(tx, block)
                if before is not None:
                    self._suffer(before, [event for stage in self.stages.values() for event in stage.advance(block)])
                continue
            own = True
            name = self.chain.own_included(tx, block)
            if name is not None:
                self.delays.append(block.time - self._flights.decided.pop(name))
                self._flights.included(name, block)
        for stage in self.stages.values():
            stage.advance(block)
        return own

    def tell(self, news: News) -> None:
        """Queue news; the books are compared at the head, where the chain can be asked."""
        ModelWorld.tell(self, news)


class LiveLifecycle(Lifecycle):
    """Plans whose transactions are sent for real and included when the chain includes them."""

    _world: LiveWorld

    def __init__(self, world: LiveWorld) -> None:
        super().__init__(world)
        self.decided: dict[str, int] = {}
        self._next: list[Flight] = []

    def included(self, name: str, block: Block) -> None:
        """Answer the step whose transactions are included."""
        flight = next(f for f in self.flights if isinstance(f.next, Sent) and _name(f, f.next) == name)
        self._land(flight, block, parent=False)

    def go_on(self) -> None:
        """Plan the next steps of what was included, and send the stages that waited, at the head that is seen now."""
        due, self._next = self._next, []
        for flight in due:
            super()._plan(flight)
        for network, block in self._world.at.items():
            self.send_due(Moment(block.time, network, block.number))

    def _plan(self, flight: Flight) -> None:
        if self._world.chain.following:
            self._next.append(flight)
        else:
            super()._plan(flight)

    def _dispatch(self, flight: Flight, sent: Sent) -> None:
        ((venue, action),) = sent.actions
        name = _name(flight, sent)
        try:
            self._world.chain.send(name, self._world.stages[venue].local, action)
        except NotSent as refusal:
            self._fail(flight, action, Skipped(refusal.reason))
            return
        self.decided[name] = self._world.now.time
        flight.next = sent


class _Watch:
    """A wake condition, looked at whenever a head is seen."""

    def __init__(self, world: LiveWorld, condition: Condition) -> None:
        self._world, self._condition = world, condition
        now = world.now.time
        self._time: int | None = None
        if isinstance(condition, At):
            self._time = condition.time
        elif isinstance(condition, Every):
            rounds = (now - world.rules.start) // condition.seconds + 1  # down: the next multiple after now
            self._time = world.rules.start + rounds * condition.seconds
        elif isinstance(condition, EventCount):
            self._reached = world.chain.events[condition.venue] + condition.count

    def holds(self) -> bool:
        """Whether it holds at the head."""
        world, condition = self._world, self._condition
        if self._time is not None:
            return world.now.time >= self._time
        match condition:
            case EventCount(venue):
                return world.chain.events[venue] >= self._reached
            case TickLeaves(venue, lower, upper):
                return not lower <= int(world.stages[venue].read("slot0")[1]) < upper
            case Crosses(source, _quantity, above, threshold) if source in world.oracles:
                answer = world.read_oracle(source).answer
                return answer > threshold if above else answer < threshold
            case Claimable(venue, position, token, amount):
                held = world.stages[venue].positions(world.account)
                return any(p.id == position and p.claimable.get(token, 0) >= amount for p in held)
        raise BadInput(f"{type(condition).__name__} cannot be watched on a chain", field="wake")


def _name(flight: Flight, sent: Sent) -> str:
    return f"{flight.plan.id}/{sent.first_step}{'/' + sent.stage if sent.stage else ''}"
