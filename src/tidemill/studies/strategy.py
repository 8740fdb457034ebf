"""The strategy of a study, and those it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from tidemill import strategies
from tidemill.errors import BadInput, UnknownName
from tidemill.studies import portfolio
from tidemill.studies.prepare import Prepared
from tidemill.studies.settings import with_settings
from tidemill.units import parse_amount

__all__ = ["Chosen", "choose", "varied"]

_TOKENS = ("home", "asset", "share", "token", "reward", "gas_token", "buys")
"""Parameters that are token ids; a study may give the symbol alone."""


_LOCKED = {"asset": "token", "reward": "dividend"}
"""What a strategy calls the parameters of an escrow."""


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
    own = _portfolio(prepared) if study.streams else _load(prepared, study.strategy, dict(study.parameters))
    if not prepared.markets or study.strategy == "full_range":
        return own
    full = _load(prepared, "full_range", {})
    return msgspec.structs.replace(own, baselines=(("the full range", full),))


def varied(prepared: Prepared, settings: Mapping[str, Any]) -> Chosen:
    """Load the study's strategy as if its file said ``settings``; raises as ``choose``."""
    return choose(with_settings(prepared, settings))


def _portfolio(prepared: Prepared) -> Chosen:
    """Load the strategies of all streams; errors name the stream's own field."""
    study, made = prepared.study, dict[str, tuple[Any, str]]()
    for name, spec in prepared.study.streams.items():
        if spec.strategy == "portfolio":
            raise BadInput(
                "a portfolio in a portfolio; list its streams beside the others",
                file=prepared.study.path or None,
                field=f"streams.{name}.strategy",
            )
        try:
            one = _load(prepared, spec.strategy, dict(spec.parameters))
        except BadInput as error:
            field = ".".join(part for part in (f"streams.{name}", error.field) if part)
            raise BadInput(error.message, file=error.file, field=field) from None
        made[name] = one.strategy, one.digest
    whole = portfolio.portfolio(prepared, made)
    return Chosen(
        "portfolio",
        whole,
        portfolio.digest(made | {"": (None, strategies.find("portfolio", study.folder, own_code=False).digest)}),
        portfolio.told(prepared.study.streams, whole),
    )


def _load(prepared: Prepared, name: str, parameters: dict[str, Any]) -> Chosen:
    study = prepared.study
    file = study.path or None
    found = strategies.find(name, study.folder, own_code=True, file=file)
    named = {key: _token(prepared, key, value) for key, value in parameters.items()}
    made: Any = found.make(named, _given(prepared), file=file)
    return Chosen(name, made, found.digest, msgspec.structs.asdict(made))


def _given(prepared: Prepared) -> dict[str, Any]:
    """What a strategy may want to know and a study says elsewhere."""
    study = prepared.study
    known: dict[str, Any] = {"home": prepared.home, "exit": study.exit, "asset": prepared.home}
    if study.prices.get(prepared.native):
        known["native_price"] = parse_amount(study.prices[prepared.native], prepared.decimals[study.home])
    for name, market in prepared.markets.items():
        known.setdefault("venue", name)
        for token in (market.pool.token0, market.pool.token1):
            if token.symbol in (prepared.native, f"W{prepared.native}"):
                known.setdefault("gas_token", prepared.token(token.symbol))
    for name, spec in study.venues.items():
        if spec.kind in ("bridge_pool", "erc4626", "morpho_vault", "savings_vault"):
            known |= {"vault": name, "share": prepared.token(str(spec.params["share"]))}
            known["asset"] = prepared.token(str(spec.params["asset"]))
        if spec.kind == "uniswap_v2":
            known |= {"venue": known.get("venue", name), "share": prepared.token(str(spec.params["lp"]))}
        if spec.kind == "liquid_staking":
            tokens = {
                name: prepared.token(str(spec.params[key])) for name, key in (("asset", "asset"), ("token", "share"))
            }
            known |= {"staking": name, **tokens}
        if spec.kind in ("canonical_bridge", "liquidity_bridge"):
            moved, to = str(spec.params["token"]), prepared.placed[name].networks[0]
            known |= {"bridge": name, "token": prepared.token(moved, prepared.network_of(name))}
            known["asset"] = prepared.token(moved, to)
        if spec.kind == "aave_v3":
            known |= {"lending": name, "asset": prepared.token(str(spec.params["asset"]), prepared.network_of(name))}
        if spec.kind == "morpho_blue":
            known |= {"lending": name, "asset": prepared.token(str(spec.params["loan"]), prepared.network_of(name))}
        if spec.kind in ("sequencer", "prover", "custodian"):
            known |= {spec.kind: name}
        if spec.kind == "relayer":
            known |= {"relayer": name, "asset": prepared.token(str(spec.params["token"]))}
        if spec.kind == "delegation":
            known |= {"staking": name, "asset": prepared.token(str(spec.params["token"]))}
        if spec.kind == "vote_escrow":
            tokens = {key: prepared.token(str(spec.params[param])) for key, param in _LOCKED.items()}
            known |= {"escrow": name, **tokens}
        if spec.kind in ("staking_rewards", "minichef"):
            known |= {"farm": name, "reward": prepared.token(str(spec.params["reward"]))}
    return known


def _token(prepared: Prepared, key: str, value: Any) -> Any:
    """Return a token's id where its symbol is given; raises ``UnknownName`` for an id that is no token of the study."""
    if isinstance(value, dict):
        return {inner: _token(prepared, inner, one) for inner, one in value.items()}
    if isinstance(value, list):
        return [_token(prepared, key, one) for one in value]
    if key not in _TOKENS or not isinstance(value, str):
        return value
    symbol, at, network = value.partition("@")
    if at and (symbol not in prepared.decimals or network not in prepared.networks):
        known = [prepared.token(one, there) for there in prepared.networks for one in prepared.decimals]
        raise UnknownName("token", value, known, file=prepared.study.path or None, field=f"parameters.{key}")
    return prepared.token(value) if value in prepared.decimals else value
