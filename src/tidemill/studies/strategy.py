"""The strategy of a study, and those it is compared with."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from tidemill import strategies
from tidemill.errors import BadInput
from tidemill.studies.prepare import Prepared

__all__ = ["Chosen", "choose"]


class Chosen(Struct, frozen=True):
    """A strategy as a study runs it. ``digest`` covers the file that defines it; ``baselines`` are run beside it."""

    name: str
    strategy: Any
    digest: str
    parameters: dict[str, Any]
    baselines: tuple[tuple[str, Chosen], ...] = field(default=())


def choose(prepared: Prepared) -> Chosen:
    """Load the study's strategy; fields it leaves out and the study knows (venue, home, exit …) are filled in.

    Raises
    ------
    BadInput : naming the study file and the field.
    """
    study = prepared.study
    own = _load(prepared, study.strategy, dict(study.parameters))
    if not prepared.markets or study.strategy == "full_range":
        return own
    full = _load(prepared, "full_range", {"slippage_bps": 100})
    return msgspec.structs.replace(own, baselines=(("the full range", full),))


def _load(prepared: Prepared, name: str, parameters: dict[str, Any]) -> Chosen:
    study = prepared.study
    try:
        found = strategies.load(name, _tokens(prepared, parameters), study.folder, _defaults(prepared))
    except BadInput as error:
        if error.file:
            raise
        raise BadInput(str(error), file=study.path or None) from None
    return Chosen(found.name, found.strategy, found.digest, found.parameters)


def _defaults(prepared: Prepared) -> dict[str, Any]:
    """What a strategy may want to know and a study says elsewhere."""
    study = prepared.study
    pools = list(prepared.markets)
    known: dict[str, Any] = {"home": prepared.home, "exit": study.exit, "asset": prepared.home}
    if pools:
        known["venue"] = pools[0]
        info = prepared.markets[pools[0]].pool
        for symbol in (info.token0.symbol, info.token1.symbol):
            if symbol in (prepared.native, f"W{prepared.native}"):
                known["native"] = prepared.token(symbol)
    for name, spec in study.venues.items():
        if spec.kind == "erc4626":
            known |= {"vault": name, "share": prepared.token(str(spec.params.get("share", "")))}
            known["asset"] = prepared.token(str(spec.params.get("asset", study.home)))
        if spec.kind == "staking_rewards":
            known |= {"farm": name, "reward": prepared.token(str(spec.params.get("reward", "")))}
    return known


def _tokens(prepared: Prepared, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters may name tokens by symbol: give strategies the full id."""
    named = ("home", "asset", "share", "reward", "native")
    return {
        key: prepared.token(value) if key in named and value in prepared.decimals else value
        for key, value in parameters.items()
    }
