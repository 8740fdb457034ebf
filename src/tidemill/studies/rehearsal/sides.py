"""The two sides of a rehearsal: the same life cycle over the model, and over real contracts on a local chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from importlib import import_module
from typing import Any

from msgspec import Struct

from tidemill.chain.anvil import Anvil
from tidemill.engine.chain_feed import Pace
from tidemill.engine.chain_live import LiveChain, LiveStage
from tidemill.engine.chain_live_world import LiveWorld
from tidemill.engine.chain_local import LocalChain, Played
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
from tidemill.studies.costs_apart import Costings
from tidemill.studies.prepare import Prepared
from tidemill.studies.rehearsal.ground import chains_for, place
from tidemill.studies.rehearsal.unrest import unrest
from tidemill.studies.rehearsal.window import Window
from tidemill.studies.strategy import Chosen
from tidemill.venues.kinds import kind
from tidemill.venues.shared.ground import Ground, LocalVenue, Unrest

__all__ = ["OnChain", "Sides"]


def _silent(line: str) -> None:
    """Tell nobody."""


class OnChain(Struct):
    """What a run on the local chain leaves behind."""

    outcomes: Outcomes
    held: dict[tuple[str, str], int]
    native: dict[str, int]
    endowed: dict[tuple[str, str], int]
    accounts: tuple[str, ...]
    state: list[tuple[str, str, Any, Any]]
    differences: list[str]
    count: int
    played: Played
    refused_by_model: int
    journal: dict[str, list[Row]]
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
        self.costing = Costings(prepared, Costing(prepared, prepared.study.network))
        self.id = content_hash([prepared.study.digest, prepared.study.world.seed, "rehearse", window.start, window.end])
        self.firsts = {
            name: prepared.engine_network(name).blocks.last_until(window.start) for name in prepared.networks
        }
        """The block of each network in which the window begins."""
        self.seats = {name: _seat(prepared, name, self.firsts) for name in prepared.placed}

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
        stages = {one.id: one for seat in self.seats.values() for one in _with_halves(seat.model())}
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
        meter = Meter(self.costing, feed=feed)
        with chains_for(self.firsts) as anvils:
            placed = self._placed(anvils, tell)
            chains = {
                name: LocalChain(ground, venues, self._wallet, meter, **self._priced(name))
                for name, (ground, venues) in placed.items()
            }
            for name, chain in chains.items():
                chain.native = self._natives[name] if feed else ""
            stages = {
                venue.id: ChainStage(chains[name], venue) for name, (_, venues) in placed.items() for venue in venues
            }
            tell(f"playing the window on {_counted(chains)} …")
            made = [stages[name] for name in self._order(stages)]
            world = ChainWorld(rules=rules, chains=chains, cost=meter, **self._common({one.id: one for one in made}))
            return self._played(world, rules, model)

    def on_live(self, rules: Rules, *, seed: str, tell: Callable[[str], None] = _silent) -> tuple[OnChain, LiveWorld]:
        """Play the window on a chain that mines by itself, while others send beside us; ``seed`` disturbs their order.

        States are compared with those of the models that followed. Raises ``RpcError`` when the time limit is reached.
        """
        if self.prepared.inflows:
            raise BadInput("what arrives during a study is rehearsed locked only", field="contributions")
        pace = self.pace()
        with chains_for(self.firsts) as anvils:
            ((name, (ground, venues)),) = self._placed(anvils, tell, unrest(seed, self.window.first.number)).items()
            meter = Meter(self.costing, feed=True)
            chain = LiveChain(ground, venues, self._wallet, meter, pace=pace, **self._priced(name))
            chain.native = self._natives[name]
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

    def _placed(
        self, anvils: Mapping[str, Anvil], tell: Callable[[str], None], disturb: Unrest | None = None
    ) -> dict[str, tuple[Ground, list[LocalVenue]]]:
        tell("deploying the contracts …")
        return place(
            self.prepared,
            self.seats,
            self.firsts,
            anvils,
            me=self._wallet.address,
            base_fee=self._base_fee,
            disturb=disturb,
        )

    def _played(self, world: ChainWorld, rules: Rules, model: OnModel | None) -> OnChain:
        """Run the strategy and read everything off the chain at the end."""
        chains = list(world.chains.values())
        outcomes = run(world, self.chosen.strategy, run_id=rules.run, log=MemoryJournal())
        venues = [venue for chain in chains for venue in chain.venues.values()]
        held: dict[tuple[str, str], int] = {}
        for chain in chains:
            here = [name for venue in chain.venues.values() for name in venue.accounts]
            held |= chain.ground.held(("me", *dict.fromkeys(here)))
        accounts = ("me", *dict.fromkeys(name for venue in venues for name in venue.accounts))
        twins = {venue.id: venue.twin for venue in venues}
        others = model.stages if model else twins
        return OnChain(
            outcomes,
            held,
            {self._natives[name]: chain.wealth() for name, chain in world.chains.items()},
            {key: amount for chain in chains for key, amount in chain.ground.endowed.items()},
            accounts,
            [(venue.id, *row) for venue in venues for row in venue.state(others[venue.id])],
            [line for chain in chains for line in chain.differences],
            sum(chain.count for chain in chains),
            Played.of(chain.played for chain in chains),
            sum(int(getattr(twin, "refused", 0)) for twin in twins.values()),
            {name: chain.journal.rows() for name, chain in world.chains.items()},
            chains[0].meter.rows,
            twins,
            dict(world.book.accounts()),
        )

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _common(self, stages: Mapping[str, Any]) -> dict[str, Any]:
        prepared = self.prepared
        return {
            "networks": prepared.engine_networks(),
            "stages": stages.values(),
            "oracles": prepared.oracles(),
            "funds": prepared.funds(),
            "prices": lambda _world: prepared.prices(stages),
            "rates": lambda _world: prepared.rates(stages),
            "outside": prepared.outside(stages),
            "inflows": prepared.inflows,
        }

    @cached_property
    def _natives(self) -> dict[str, str]:
        """The token that pays gas, by network."""
        prepared = self.prepared
        return {name: prepared.token(there.native_token, name) for name, there in prepared.networks.items()}

    def _priced(self, network: str) -> dict[str, Any]:
        return {"price": partial(self._price, network), "base_fee": partial(self._base_fee, network)}

    def _price(self, network: str, gas_used: int, signed: bytes, block: Block) -> Costs:
        costing = self.costing.of(network)
        parts = costing.network.fee(costing.network.shape(gas_used, signed, block.time), costing.env(block))
        return Costs(parts.l2_execution, parts.l1_data, parts.operator, gas_used)

    def _base_fee(self, network: str, block: Block) -> int:
        known = self.costing.of(network).env(block).base_fee
        return known.value if known is not None else 0

    def _order(self, stages: Mapping[str, Any]) -> list[str]:
        """Return venues in the study's order, each with its other half behind it, as the model's world has them."""
        return sorted(stages, key=lambda name: list(self.seats).index(name.partition("@")[0]))


def _with_halves(stage: Any) -> list[Any]:
    return [stage, *getattr(stage, "beside", ())]


def _counted(chains: Mapping[str, LocalChain]) -> str:
    return "the local chain" if len(chains) == 1 else f"{len(chains)} local chains ({', '.join(chains)})"


def _seat(prepared: Prepared, name: str, firsts: Mapping[str, Block]) -> Any:
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
    network = prepared.network_of(name)
    until = prepared.engine_network(network).blocks.last_until(prepared.end + 86_400)
    return module.seat(name, network, prepared.markets.get(name), prepared.placed[name], firsts[network], until)
