"""The two sides of a rehearsal: the same life cycle over the model, and over real contracts on a local chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from msgspec import Struct

from tidemill.chain.anvil import Anvil, AnvilOptions
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
from tidemill.networks.types import TxShape
from tidemill.studies.costs import Costing
from tidemill.studies.prepare import Prepared, accounts_of
from tidemill.studies.rehearse_unrest import unrest
from tidemill.studies.rehearse_window import Window
from tidemill.studies.strategy import Chosen
from tidemill.venues.kinds import kind
from tidemill.venues.shared.ground import Ground, LocalVenue

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
        self.costing = Costing(prepared, prepared.study.network)
        self.id = content_hash([prepared.study.digest, prepared.study.world.seed, "rehearse", window.start, window.end])
        self.seats = {name: _seat(prepared, name, window) for name in prepared.placed}

    def rules(self, *, jitter: int = 0, placement: Any = None, seed: str = "") -> Rules:
        """Return the study's own rules over the window, or with further delays and another place in the block."""
        world = self.prepared.study.world
        return Rules(
            start=self.window.start,
            end=self.window.end,
            run=content_hash([self.id, seed]) if seed else self.id,
            inclusion_delay=world.delay_blocks,
            delay_jitter=jitter,
            placement=placement or world.placement,
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
        self,
        rules: Rules,
        *,
        feed: bool,
        seed: str = "",
        model: OnModel | None = None,
        tell: Callable[[str], None] = _silent,
    ) -> OnChain:
        """Play the window on a fresh local chain, which is stopped afterwards whatever happens.

        ``seed`` disturbs the order of what others do; states are compared with ``model``'s at the end, or with those of
        the models in lockstep. Raises ``MissingArtefact`` without anvil or contracts.
        """
        at = self.window.first
        wallet = DevWallet()
        with Anvil(AnvilOptions(chain_id=CHAIN_ID, timestamp=at.time - 1, seconds_per_block=0)) as anvil:
            ground = Ground(anvil, wallet.address, self.prepared.decimals, base_fee=self._base_fee(at))
            tell("deploying the contracts …")
            local = [
                seat.local(ground, unrest(seed) if seed else None)
                for _, seat in sorted(self.seats.items(), key=lambda kv: kv[1].rank)
            ]
            by_id = {venue.id: venue for venue in local}
            venues: list[LocalVenue] = [by_id[name] for name in self.seats]
            for venue in venues:
                venue.start(at)
            funds = self.prepared.funds()
            native = self.prepared.token(self.prepared.native)
            for token, amount in funds.items():
                if token != native:
                    ground.give(token, "me", amount)
            ground.endowed = {key: amount for key, amount in ground.endowed.items() if key[1] != "me"}
            meter = Meter(self.costing, feed=feed)
            chain = LocalChain(ground, venues, wallet, meter, price=self._price, base_fee=self._base_fee)
            chain.native = native if feed else ""
            anvil.set_balance(ground.address("me"), funds.get(native, 0) + RESERVE)
            stages = {venue.id: ChainStage(chain, venue) for venue in venues}
            tell("playing the window on the local chain …")
            world = ChainWorld(rules=rules, chain=chain, cost=meter, **self._common(stages))
            outcomes = run(world, self.chosen.strategy, run_id=rules.run, log=MemoryJournal())
            accounts = ("me", *dict.fromkeys(name for venue in venues for name in venue.accounts))
            held = ground.held(accounts)
            others = model.stages if model else {venue.id: venue.twin for venue in venues}
            state = [(venue.id, *row) for venue in venues for row in venue.state(others[venue.id])]
            return OnChain(
                outcomes, held, chain.wealth(), ground.endowed, accounts, state, chain.differences, chain.count,
                chain.played, sum(int(getattr(venue.twin, "refused", 0)) for venue in venues),
                chain.journal.rows(), meter.rows, {venue.id: venue.twin for venue in venues}, dict(world.book.accounts()),
            )  # fmt: skip

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _common(self, stages: Mapping[str, Any]) -> dict[str, Any]:
        prepared = self.prepared
        return {
            "networks": [prepared.engine_network()],
            "stages": stages.values(),
            "funds": prepared.funds(),
            "prices": lambda _world: prepared.prices(stages),
            "rates": lambda _world: prepared.rates(stages),
            "outside": ("market", "zero", *accounts_of(stages)),
        }

    def _price(self, gas_used: int, signed: bytes, block: Block) -> Costs:
        parts = self.costing.network.fee(TxShape.of(gas_used, signed), self.costing.env(block))
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
