"""Kinds of venue by name: ours, and those that other packages add by the entry point ``tidemill.venues``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Block, Stage
from tidemill.networks import names
from tidemill.venues.shared.oracle import Oracle

if TYPE_CHECKING:
    from tidemill.venues.shared.history import Histories, History, Holding, Past
    from tidemill.venues.shared.signs import Sign, Signs

__all__ = ["Bars", "Kind", "Pair", "Placed", "Setup", "kind", "kinds", "read_back", "signs_of"]

Pair = Callable[[Any], tuple[str, str, int]]
"""A stage → (token0, token1, sqrt_price_x96): what the venue says one token is worth in the other."""


class Setup(Struct, frozen=True):
    """What a study tells a venue when it is placed in a world.

    Parameters
    ----------
    id, network : the study's name of the venue, and where it stands.
    mode : of own liquidity. params : the contract's own parameters. decimals : by symbol, of the study's tokens.
    market : the dataset the venue replays, ``None`` where it has none (its type belongs to the market room).
    random : seeded streams by name. first_from : the first block at or after a time. start, end : seconds.
    recorded : the datasets of all venues of the study by their names, for an oracle that follows a pool.
    clock : ``first_from`` of another network, for what stands on two.
    """

    id: str
    network: str
    mode: str
    params: Mapping[str, int | str]
    decimals: Mapping[str, int]
    market: Any
    random: Callable[[str], Random]
    first_from: Callable[[int], Block]
    start: int
    end: int
    recorded: Mapping[str, Any] = {}
    clock: Callable[[str], Callable[[int], Block]] = lambda _network: lambda time: Block(time=time, number=time)

    def places(self, *symbols: str) -> list[int]:
        """Return the decimals of tokens; raises ``BadInput`` naming one that the study does not tell."""
        for symbol in symbols:
            if symbol not in self.decimals:
                raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
        return [self.decimals[symbol] for symbol in symbols]

    def other_network(self) -> str:
        """Return where the other half of a bridge stands; raises ``BadInput`` for no network, or the one where it begins."""
        to, where = str(self.params["to"]), f"venues.{self.id}.params.to"
        if to not in names():
            raise UnknownName("network", to, names(), field=where)
        if to == self.network:
            raise BadInput(f"{to} is where the bridge begins", field=where)
        return to


class Placed(Struct, frozen=True):
    """A venue ready to be played, as often as a study needs it.

    Parameters
    ----------
    make : a fresh stage. tokens : decimals by symbol, receipt tokens included. pair : its price, if it has one.
    shares : symbols of receipt tokens, which need no price. notes : what the reader of a report must know.
    oracles : feeds that the venue reads; a strategy reads the same by their ids.
    reaches : other venues of the study that this one acts at; it is placed behind them.
    gas : path of the measured gas table of these very contracts, where they are not those of ``Kind.gas``.
    networks : others than its own on which it stands too: its stage has the halves there as ``beside``.
    """

    make: Callable[[], Stage]
    tokens: Mapping[str, int]
    pair: Pair | None = None
    shares: tuple[str, ...] = ()
    notes: Callable[[], tuple[str, ...]] = tuple
    oracles: tuple[Oracle, ...] = ()
    reaches: tuple[str, ...] = ()
    gas: str = ""
    networks: tuple[str, ...] = ()


class Bars(Struct, frozen=True):
    """How a kind follows a table of rates instead of a flow: fidelity ``bars``.

    Parameters
    ----------
    place : as ``Kind.place``; ``Setup.market`` is then the path to follow. params : as ``Kind.params``, in their place.
    mode : whether one's own part is counted beside that of others (``diluted``) or not (``small``).
    error : what following bars has been measured to be off by, against the exact venue.
    sample : what such a table would say of an exact stage at a moment (seconds), given decimals by token id.
    limits : as ``Kind.limits``.
    """

    place: Callable[[Setup], Placed]
    params: Mapping[str, tuple[int | str | None, str]]
    mode: Literal["small", "diluted"]
    error: str
    sample: Callable[[Any, int, Mapping[str, int]], Mapping[str, str]]
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Kind(Struct, frozen=True):
    """A kind of venue: its family, what proves its model, and how it is placed.

    ``gas`` is the path of its measured gas table. ``params`` says what ``[venues.NAME.params]`` may hold:
    ``{name: (default or None, meaning)}``. ``income`` says how it arises, ``risks`` what can go wrong, ``verbs`` which
    verbs go in, harvest and go out; where it stands on networks lies beside the gas table (``deployments.toml``).
    ``bars`` is there where it can follow a table of rates; ``reasons`` puts words to those that its contracts give as codes.
    ``limits`` are the least and the most of whole numbers among ``params``, where they mean something only between them.
    ``history`` reads back what an account did and held there (``venues.shared.history``), ``None`` where nothing can;
    ``signs`` says how what is held stands (``venues.shared.signs``).
    """

    name: str
    family: str
    proof: Literal["bytecode-equal", "fork-equal", "rule-checked", "unproven"]
    summary: str
    dataset: bool
    place: Callable[[Setup], Placed]
    gas: str
    params: Mapping[str, tuple[int | str | None, str]] = field(default_factory=dict)
    income: str = ""
    risks: tuple[str, ...] = ()
    verbs: Mapping[Literal["enter", "harvest", "leave"], str] = field(default_factory=dict)
    bars: Bars | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    history: Histories | None = None
    signs: Signs | None = None


def signs_of(module: str) -> Signs:
    """Return what ``Kind.signs`` names: ``signs`` of a module that is imported only when it is asked."""

    def signs(client: Any, holding: Holding, block: int) -> Sequence[Sign]:
        found: Sequence[Sign] = import_module(module).signs(client, holding, block)
        return found

    return signs


def read_back(module: str) -> Histories:
    """Return what ``Kind.history`` names: ``histories`` of a module that is imported only when it is asked."""

    def histories(past: Past) -> Sequence[History]:
        found: Sequence[History] = import_module(module).histories(past)
        return found

    return histories


_OURS = {
    "aave_v3": "tidemill.venues.aave_v3.venue",
    "bridge_pool": "tidemill.venues.bridge_pool.venue",
    "canonical_bridge": "tidemill.venues.canonical_bridge.venue",
    "cl_gauge": "tidemill.venues.cl_gauge.venue",
    "custodian": "tidemill.venues.custodian.venue",
    "delegation": "tidemill.venues.delegation.venue",
    "erc4626": "tidemill.venues.erc4626.venue",
    "liquid_staking": "tidemill.venues.liquid_staking.venue",
    "liquidity_bridge": "tidemill.venues.liquidity_bridge.venue",
    "merkle_campaign": "tidemill.venues.merkle_campaign.venue",
    "minichef": "tidemill.venues.minichef.venue",
    "morpho_blue": "tidemill.venues.morpho_blue.venue",
    "savings_vault": "tidemill.venues.savings_vault.venue",
    "morpho_vault": "tidemill.venues.morpho_vault.venue",
    "payees": "tidemill.venues.payees.venue",
    "prover": "tidemill.venues.prover.venue",
    "relayer": "tidemill.venues.relayer.venue",
    "sequencer": "tidemill.venues.sequencer.venue",
    "staking_rewards": "tidemill.venues.staking_rewards.venue",
    "uniswap_v2": "tidemill.venues.uniswap_v2.venue",
    "uniswap_v3": "tidemill.venues.uniswap_v3.venue",
    "vote_escrow": "tidemill.venues.vote_escrow.venue",
}


@cache
def kinds() -> tuple[str, ...]:
    """Return the names of all kinds, sorted."""
    return tuple(sorted({*_OURS, *(point.name for point in entry_points(group="tidemill.venues"))}))


@cache
def kind(name: str) -> Kind:
    """Return a kind by name; raises ``UnknownName``, which names the nearest."""
    if name in _OURS:
        found: Kind = import_module(_OURS[name]).VENUE
        return found
    for point in entry_points(group="tidemill.venues", name=name):
        loaded: Kind = point.load()
        return loaded
    raise UnknownName("kind of venue", name, kinds(), field="kind")
