"""What every verb of every venue costs on a network, at fee levels that somebody gives or that its facts have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tidemill import networks
from tidemill.errors import BadInput, TidemillError, UnknownName
from tidemill.networks import CostModel, FeeEnv, FeeParts, Known, Network, assumed
from tidemill.networks.gas import GasTable, load_gas
from tidemill.networks.types import COMMON
from tidemill.venues.about import deployments
from tidemill.venues.kinds import kind, kinds

__all__ = ["VerbCost", "actions_of", "costs", "environment", "stands"]

_WEI = 10**18
"""Smallest units of the token that pays gas."""
_ALL = "all"
_ISSUED_ON = "ethereum"
"""A token listed here is the issuer's own contract."""
_BRIDGE_SENDS = "the OP Stack's bridge takes send on the rollup, and deposit, prove and finalize on ethereum"


class VerbCost(Struct, frozen=True):
    """What a verb takes when nothing special is met, all its transactions together.

    ``parts`` are in wei of the native token; ``None`` where a level is missing, and ``missing`` then names it. ``priced`` is
    the whole in millionths of the money that the native token's price was given in, rounded up. ``stands`` are the networks
    where the kind is listed, none where nobody lists it anywhere: on another network, this is what it would cost there.
    """

    venue: str
    verb: str
    transactions: int
    gas: int
    parts: FeeParts | None
    missing: str = ""
    priced: int | None = None
    stands: tuple[str, ...] = ()

    def known_on(self, network: str) -> bool:
        """Tell whether the kind is known to stand on a network."""
        return network in self.stands


def actions_of(action: str, network: str) -> list[tuple[str, str]]:
    """Return kinds of venue with their verbs: one for ``VENUE.VERB``, several for ``VENUE``, and for ``all`` every verb
    of the kinds that are known on the network, and of those that nobody lists anywhere (a vault, a farm).

    Of a rollup's own bridge these are the verbs that are sent on ``network``; the others cost what Ethereum takes.

    Raises ``UnknownName``, which names the nearest, and ``BadInput`` for a verb that is sent elsewhere.
    """
    if action == _ALL:
        there = [name for name in kinds() if network in (known := deployments(kind(name))) or not known]
        return [(name, verb) for name in there for verb in _table(name).verbs if _sent_on(network, name, verb)]
    name, _, verb = action.partition(".")
    if name not in kinds():
        raise UnknownName("kind of venue", name, (*kinds(), _ALL), field="action")
    table = _table(name)
    if verb and verb not in table.verbs:
        raise UnknownName(f"verb of {name}", verb, table.verbs, field="action")
    found = [(name, each) for each in table.verbs if verb in ("", each) and _sent_on(network, name, each)]
    if not found:
        raise BadInput(f"{action} is not sent on {network}: {_BRIDGE_SENDS}", field="action")
    return found


def _sent_on(network: str, name: str, verb: str) -> bool:
    """Tell whether a verb is sent on a network: of the OP Stack's bridge some are on one side, some on the other."""
    if name != "canonical_bridge":
        return True
    if verb == "send":
        return networks.get(network).family in ("op_stack", "base")
    return network == "ethereum"


def stands(network: str, name: str) -> tuple[str, ...]:
    """Return where a kind is listed: not where its tokens alone are, carried over from Ethereum.

    The OP Stack's bridge is part of its chains, and nobody need list it.
    """
    if name == "canonical_bridge":
        return (network,)
    listed = deployments(kind(name))
    return tuple(at for at, what in listed.items() if at == _ISSUED_ON or not all(map(_is_token, what)))


def _is_token(what: str) -> bool:
    return what.startswith("token.")


def environment(network: Network, time: int, levels: Mapping[str, Known]) -> FeeEnv:
    """Return fee levels at ``time``: ``levels`` first, then the network's dated facts; without a word the tip is 0.

    Raises ``BadInput`` naming the base fee where neither has it; other levels are missed by the formula that needs them.
    """
    found = {name: level for name in ("base_fee", "priority_fee") if (level := _dated(network, name, time)) is not None}
    found = {"priority_fee": assumed(0, "no tip given"), **found, **levels}
    if "base_fee" not in found:
        raise BadInput(
            f"{network.name} has no dated one; give --base-fee-gwei, --levels FILE or --rpc URL", field="base_fee"
        )
    return FeeEnv.of(time, found)


def costs(
    network: Network, actions: Sequence[tuple[str, str]], env: FeeEnv, price: int | None = None
) -> list[VerbCost]:
    """Return what each verb costs in ``env``.

    Parameters
    ----------
    price : of one native token, in millionths of some money; ``None`` prices nothing.
    """
    tables = {name: _table(name) for name, _ in actions}
    model = CostModel(network, tables)
    there = {name: stands(network.name, name) for name in tables}
    return [replace(_cost(model, name, verb, env, price), stands=there[name]) for name, verb in actions]


def _cost(model: CostModel, name: str, verb: str, env: FeeEnv, price: int | None) -> VerbCost:
    calls = model.table(name).shapes(verb, {})
    gas = sum(call.gas_used for call in calls)
    try:
        parts = model.fee(name, verb, {}, env)
    except TidemillError as error:  # a level that nobody has, or a family without a formula
        return VerbCost(name, verb, len(calls), gas, None, f"{error}{_how_to_give(error)}")
    priced = None if price is None else -(-parts.total * price // _WEI)
    return VerbCost(name, verb, len(calls), gas, parts, "", priced)


def _how_to_give(error: TidemillError) -> str:
    """Return the option that gives a missing level, for the end of an error line."""
    field = error.field if isinstance(error, BadInput) else None
    if not field or f"needs {field}" not in str(error):
        return ""
    option = f"--{field.replace('_', '-')}-gwei" if field in COMMON else f"--level {field}=WHOLE_NUMBER"
    return f"; give {option}"


def _table(name: str) -> GasTable:
    return load_gas(kind(name).gas)


def _dated(network: Network, name: str, time: int) -> Known | None:
    line = network.facts.timelines.get(name)
    if line is None or time < line.entries[0].since:
        return None
    fact = line.fact_at(time)
    return Known(int(fact.value), "fact", f"{fact.source}, as of {fact.as_of}")
