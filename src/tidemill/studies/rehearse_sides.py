"""The two sides of a rehearsal: the same life cycle over the model, and over real contracts on a local chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from msgspec import Struct

from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.engine.chain_feed import Pace
from tidemill.engine.chain_live import LiveChain, LiveStage
from tidemill.engine.chain_live_world import LiveWorld
from tidemill.engine.chain_local import RESERVE, LocalChain, Played
from tidemill.engine.chain_meter import Meter, Metered
from tidemill.engine.chain_stage import ChainStage
from tidemill.engine.chain_world import ChainWorld, FedWorld
from tidemill.engine.rules import Rules
from tidemill.engine.run import Outcomes, run
from tidemill.engine.world import ModelWorld
from tidemill.errors import BadInput
from tidemill.execution.ids import content_hash
from tidemill.execution.journal import MemoryJournal
from tidemill.execution.rows import Row
from tidemill.execution.wallet import DevWallet
from tidemill.interfaces import Block, Costs
from tidemill.studies.costs import Costing
from tidemill.studies.prepare import Prepared
from tidemill.studies.rehearse_unrest import unrest
from tidemill.studies.rehearse_window import Window
from tidemill.studies.strategy import Chosen
from tidemill.venues.kinds import kind
from tidemill.venues.shared.ground import Ground, LocalVenue, Unrest

__all__ = ["OnChain", "Sides"]

CHAIN_ID = 31_337


def _silent(line: str) -> None:
    """Tell nobody."""


class OnChain(Struct):
    """What a run on the local chain leaves behind."""

    outcomes: Outcomes
    held: dict[tuple[str, str], int]
    native: int
    endowed: dict[tuple[str, str], int]
    accounts: tuple[str, ...]
    state: list[tuple[str, str, Any, Any]]
    differences: list[str]
    count: int
    played: Played
    refused_by_model: int
    journal: list[Row]
    metered: list[Metered]
    twins: Mapping[str, Any]
    book: Mapping[tuple[str, str], int]

    def as_told(self) -> OnModel:
        """Return the books that this side kept itself: its world's, and those of the models in lockstep."""
        return OnModel(self.outcomes, self.twins, self.book)


class OnModel(Struct):
    """What a run on the model leaves behind."""

    outcomes: Outcomes
    stages: Mapping[str, Any]
    book: Mapping[tuple[str, str], int]


class Sides:
    """Plays a window on either side, as often as needed.

    Parameters
    ----------
    prepared : narrowed to the window. seats : how each venue is put on the model and on a chain.
    """

    def __init__(self, prepared: Prepared, chosen: Chosen, window: Window) -> None:
        self.prepared, self.chosen, self.window = prepared, chosen, window
        self._wallet = DevWallet()
        self.costing = Costing(prepared, prepared.study.network)
        self.id = content_hash([prepared.study.digest, prepared.study.world.seed, "rehearse", window.start, window.end])
        self.seats = {name: _seat(prepared, name, window) for name in prepared.placed}

    def rules(self, *, later: int = 0, seed: str = "") -> Rules:
        """Return the study's own rules over the window, or with inclusion so many blocks ``later``."""
        world = self.prepared.study.world
        return Rules(
            start=self.window.start,
            end=self.window.end,
            run=content_hash([self.id, seed]) if seed else self.id,
            inclusion_delay=world.delay_blocks + later,
            placement=world.placement,
        )

    @property
    def own_mode(self) -> str:
        """How the study's own backtest lets one's liquidity take part."""
        study = self.prepared.study
        return next((study.venues[name].mode for name in self.prepared.markets), "model")

    # --- model --------------------------------------------------------------------------------------------------------

    def on_model(
        self, rules: Rules, fed: dict[str, Costs] | None = None, world: Callable[..., ModelWorld] = ModelWorld
    ) -> OnModel:
        """Play the window on the model, at the table's costs or at those ``fed`` by transaction.

        ``world`` makes the world, for those who want to watch it.
        """
        stages = {name: seat.model() for name, seat in self.seats.items()}
        if fed is None:
            made = world(rules=rules, cost=self.costing, **self._common(stages))
        else:
            made = FedWorld(rules=rules, meter=Meter(self.costing, feed=True), fed=fed, **self._common(stages))
        outcomes = run(made, self.chosen.strategy, run_id=rules.run, log=MemoryJournal())
        return OnModel(outcomes, stages, dict(made.book.accounts()))

    # --- chain --------------------------------------------------------------------------------------------------------

    def on_chain(
        self, rules: Rules, *, feed: bool, model: OnModel | None = None, tell: Callable[[str], None] = _silent
    ) -> OnChain:
        """Play the window on a fresh local chain, which is stopped afterwards whatever happens.

        States are compared with ``model``'s at the end, or with those of the models in lockstep.
        Raises ``MissingArtefact`` without anvil or contracts.
        """
        with self._anvil() as anvil:
            ground, venues = self._placed(anvil, tell)
            chain = LocalChain(ground, venues, self._wallet, Meter(self.costing, feed=feed), **self._priced())
            chain.native = self._native if feed else ""
            stages = {venue.id: ChainStage(chain, venue) for venue in venues}
            tell("playing the window on the local chain …")
            world = ChainWorld(rules=rules, chain=chain, cost=chain.meter, **self._common(stages))
            return self._played(world, rules, model)

    def on_live(self, rules: Rules, *, seed: str, tell: Callable[[str], None] = _silent) -> tuple[OnChain, LiveWorld]:
        """Play the window on a chain that mines by itself, while others send beside us; ``seed`` disturbs their order.

        States are compared with those of the models that followed. Raises ``RpcError`` when the time limit is reached.
        """
        if self.prepared.inflows:
            raise BadInput("what arrives during a study is rehearsed locked only", field="contributions")
        pace = self.pace()
        with self._anvil() as anvil:
            ground, venues = self._placed(anvil, tell, unrest(seed, self.window.first.number))
            meter = Meter(self.costing, feed=True)
            chain = LiveChain(ground, venues, self._wallet, meter, pace=pace, **self._priced())
            chain.native = self._native
            stages = {venue.id: LiveStage(chain, venue) for venue in venues}
            tell(f"playing the window on the local chain, about {pace.blocks * pace.interval_ms // 1_000 + 1} s …")
            world = LiveWorld(rules=rules, chain=chain, cost=meter, **self._common(stages))
            try:
                return self._played(world, rules, None), world
            finally:
                chain.close()

    def pace(self) -> Pace:
        """Return how time is compressed in a live-like rehearsal."""
        window, network = self.window, self.prepared.network
        return Pace.of(window.end - window.start, network.block_time, self.prepared.study.rehearse.seconds)

    def _anvil(self) -> Anvil:
        return Anvil(AnvilOptions(chain_id=CHAIN_ID, timestamp=self.window.first.time - 1, seconds_per_block=0))

    def _placed(
        self, anvil: Anvil, tell: Callable[[str], None], disturb: Unrest | None = None
    ) -> tuple[Ground, list[LocalVenue]]:
        """Deploy every venue, bring it to the window's start, and give oneself the study's capital."""
        at = self.window.first
        ground = Ground(anvil, self._wallet.address, self.prepared.decimals, base_fee=self._base_fee(at))
        tell("deploying the contracts …")
        ground.sort([seat.pair for seat in self.seats.values() if seat.pair])
        ranked = sorted(self.seats.values(), key=lambda seat: seat.rank)
        for seat in ranked:
            placed = seat.local(ground, disturb)
            ground.venues[placed.id] = placed
        for placed in ground.venues.values():
            if (meet := getattr(placed.twin, "meet", None)) is not None:
                meet({name: other.twin for name, other in ground.venues.items()})
        venues: list[LocalVenue] = [ground.venues[name] for name in self.seats]
        for venue in venues:
            venue.start(at)
        funds = self.prepared.funds()
        for token, amount in funds.items():
            if token != self._native:
                ground.give(token, "me", amount)
        ground.endowed = {key: amount for key, amount in ground.endowed.items() if key[1] != "me"}
        anvil.set_balance(ground.address("me"), funds.get(self._native, 0) + RESERVE)
        return ground, venues

    def _played(self, world: ChainWorld, rules: Rules, model: OnModel | None) -> OnChain:
        """Run the strategy and read everything off the chain at the end."""
        chain = world.chain
        outcomes = run(world, self.chosen.strategy, run_id=rules.run, log=MemoryJournal())
        venues = list(chain.venues.values())
        accounts = ("me", *dict.fromkeys(name for venue in venues for name in venue.accounts))
        held = chain.ground.held(accounts)
        others = model.stages if model else {venue.id: venue.twin for venue in venues}
        state = [(venue.id, *row) for venue in venues for row in venue.state(others[venue.id])]
        return OnChain(
            outcomes, held, chain.wealth(), chain.ground.endowed, accounts, state, chain.differences, chain.count,
            chain.played, sum(int(getattr(venue.twin, "refused", 0)) for venue in venues),
            chain.journal.rows(), chain.meter.rows, {venue.id: venue.twin for venue in venues},
            dict(world.book.accounts()),
        )  # fmt: skip

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _common(self, stages: Mapping[str, Any]) -> dict[str, Any]:
        prepared = self.prepared
        return {
            "networks": [prepared.engine_network()],
            "stages": stages.values(),
            "oracles": prepared.oracles(),
            "funds": prepared.funds(),
            "prices": lambda _world: prepared.prices(stages),
            "rates": lambda _world: prepared.rates(stages),
            "outside": prepared.outside(stages),
            "inflows": prepared.inflows,
        }

    @property
    def _native(self) -> str:
        return self.prepared.token(self.prepared.native)

    def _priced(self) -> dict[str, Any]:
        return {"price": self._price, "base_fee": self._base_fee}

    def _price(self, gas_used: int, signed: bytes, block: Block) -> Costs:
        parts = self.costing.network.fee(
            self.costing.network.shape(gas_used, signed, block.time), self.costing.env(block)
        )
        return Costs(parts.l2_execution, parts.l1_data, parts.operator, gas_used)

    def _base_fee(self, block: Block) -> int:
        known = self.costing.env(block).base_fee
        return known.value if known is not None else 0


def _seat(prepared: Prepared, name: str, window: Window) -> Any:
    """Return how a venue is seated, by its kind's own ``local`` module."""
    spec = prepared.study.venues[name]
    beside = kind(spec.kind).place.__module__.rpartition(".")[0]
    try:
        module = import_module(f"{beside}.local")
    except ModuleNotFoundError:
        raise BadInput(
            f"{spec.kind} has no local contracts to rehearse against",
            file=prepared.study.path,
            field=f"venues.{name}.kind",
        ) from None
    return module.seat(
        name, prepared.study.network, prepared.markets.get(name), prepared.placed[name],
        window.first, prepared.blocks.last_until(prepared.end + 86_400),
    )  # fmt: skip
