"""A plan as study files: one for each line that can be played, which `backtest` and `rehearse` take unchanged."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill import networks
from tidemill.studies.plan.streams import Line, Stream, stream_of

__all__ = ["Unplayed", "Written", "studies_of"]

FEES: Mapping[str, Mapping[str, Any]] = {
    "ethereum": {"base_fee_gwei": "2", "priority_fee_gwei": "0.1"},
    "op_stack": {
        "base_fee_gwei": "0.002",
        "priority_fee_gwei": "0.001",
        "l1_base_fee_gwei": "5",
        "blob_base_fee_gwei": "1",
    },
    "arbitrum": {"base_fee_gwei": "0.01", "own": {"price_per_unit": 100_000_000}},
    "polygon": {"base_fee_gwei": "30", "priority_fee_gwei": "25"},
    "zk_stack": {
        "base_fee_gwei": "0.04525",
        "own": {"fair_pubdata_price": 20_000_000_000, "pubdata_bytes": 350, "vm_gas_bps": 10_000},
    },
    "linea": {
        "base_fee_gwei": "0.000000007",
        "own": {
            "variable_cost": 6_300_000_000_000_000,
            "fixed_cost": 30_000_000,
            "min_margin": 1_000_000,
            "compressed_bps": 4_000,
        },
    },
}
"""Fee levels by family, as in examples/networks_compared.toml: assumptions, at half and double in every result."""
_FAMILIES = {"base": "op_stack", "polygon_pos": "polygon"}


class Written(Struct, frozen=True):
    """A study file: its name, its text, and what of the plan it plays (ids of lines)."""

    name: str
    text: str
    lines: tuple[str, ...]


class Unplayed(Struct, frozen=True):
    """A line that no study can play, and why."""

    id: str
    name: str
    why: str


def studies_of(
    lines: Sequence[Line], prices: Mapping[str, str], on: dt.date, days: int
) -> tuple[list[Written], list[Unplayed]]:
    """Return the study files of a plan, largest line first, and what of it no study can play."""
    streams: list[Stream] = []
    unplayed: list[Unplayed] = []
    for line in lines:
        found = stream_of(line, prices)
        if not isinstance(found, str) and _levels(line.network) is None:
            found = f"no fee levels of {line.network} are known here; see docs/study.md, [fees.NETWORK]"
        if isinstance(found, str):
            unplayed.append(Unplayed(line.id, line.name, found))
        else:
            streams.append(found)
    written = [
        Written(f"{number}-{_slug(one.line.name)}.toml", _text(one, on, days, unplayed), (one.line.id,))
        for number, one in enumerate(streams, 1)
    ]
    return written, unplayed


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]


def _levels(network: str) -> Mapping[str, Any] | None:
    family = networks.get(network).family
    return FEES.get(network) or FEES.get(_FAMILIES.get(family, family))


def _text(stream: Stream, on: dt.date, days: int, unplayed: Sequence[Unplayed]) -> str:
    line = stream.line
    lines = [
        f"# A line of a plan of {on}: {_plain(line.name)}, {line.amount / 1e6:,.2f} USD for {days} days.",
        "# What the list says is a rate and a size; all the rest is assumed, so that the place pays what is believed of it:",
        *(f"# * {_plain(note)}" for note in stream.notes),
        "# * what pays gas is brought beside the plan's money",
    ]
    lines += [f"# Not in any study: {_plain(one.name)}: {_plain(one.why)}" for one in unplayed]
    head: dict[str, Any] = {
        "title": f"Plan: {_plain(line.name)}"[:200],
        "network": stream.network,
        "strategy": stream.strategy,
        "home": stream.home,
    }
    body = _keys(head)
    if stream.dated:
        end = on + dt.timedelta(days=days)
        body += [f"start = {on}T00:00:00Z", f"end = {end}T00:00:00Z"]
    body += ["", "[capital]", *_keys(stream.capital)]
    if stream.dated:
        body += ["", "[tokens]", *_keys(stream.tokens)]
        body += ["", "[prices]", *_keys(stream.prices)]
    for name, venue in stream.venues.items():
        params = venue.get("params", {})
        body += ["", f"[venues.{name}]", *_keys({key: value for key, value in venue.items() if key != "params"})]
        body += ["", f"[venues.{name}.params]", *_keys(params)] if params else []
    body += ["", "[parameters]", *_keys(stream.parameters)] if stream.parameters else []
    levels = dict(_levels(stream.network) or {})
    own = levels.pop("own", {})
    body += ["", f"[fees.{stream.network}]", *_keys(levels)]
    body += ["", f"[fees.{stream.network}.own]", *_keys(own)] if own else []
    return "\n".join([*lines, *body, ""])


def _keys(table: Mapping[str, Any]) -> list[str]:
    """Write plain values as TOML: JSON's text and whole numbers are TOML's."""
    return [f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else json.dumps(key)


def _plain(text: str) -> str:
    """Return text that cannot leave its comment."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
