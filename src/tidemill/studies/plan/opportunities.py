"""Lists of opportunities in the format of public yield pages (``chain, project, symbol, tvlUsd, apyBase, apyReward …``).

Whatever such a list holds is a claim of somebody's: it is read here into integers, row by row, and doubted in ``doubts``.
Rates become basis points a year, money micro-dollars; a number that is no number is kept as unknown, never as 0.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.studies.plan.tokens import unlike

__all__ = [
    "CHAINS",
    "MOST_BYTES",
    "MOST_ROWS",
    "PROJECTS",
    "Opportunity",
    "Origin",
    "decode_list",
    "parse_list",
    "read_list",
]

Origin = Literal["list", "hand", "facts"]
MOST_ROWS = 100_000
MOST_BYTES = 200_000_000
_LOCK_DAYS = re.compile(r"(\d{1,4})[\s-]*d(?:ays?)?\b")
_WAITING = re.compile(r"lock|unstak|unbond|cooldown|cool-down|withdraw|redemption|notice|wait")
CHAINS = {
    "ethereum": "ethereum",
    "optimism": "op-mainnet",
    "op mainnet": "op-mainnet",
    "base": "base",
    "arbitrum": "arbitrum-one",
    "arbitrum one": "arbitrum-one",
    "arbitrum nova": "arbitrum-nova",
    "polygon": "polygon-pos",
    "polygon zkevm": "polygon-zkevm",
    "unichain": "unichain",
    "mode": "mode",
    "zksync era": "zksync-era",
    "era": "zksync-era",
    "scroll": "scroll",
    "linea": "linea",
    "starknet": "starknet",
    "rootstock": "rootstock",
    "rsk": "rootstock",
    "stacks": "stacks",
    "citrea": "citrea",
    "liquid": "liquid",
    "loopring": "loopring",
}
"""What such lists call a network, in small letters, and its id here."""
PROJECTS = {
    "aave-v3": "aave_v3",
    "morpho-blue": "morpho_blue",
    "morpho-v1": "morpho_blue",
    "uniswap-v2": "uniswap_v2",
    "uniswap-v3": "uniswap_v3",
    "sushiswap": "uniswap_v2",
    "lido": "liquid_staking",
    "rocket-pool": "liquid_staking",
    "ether.fi-stake": "liquid_staking",
    "sky-lending": "savings_vault",
    "spark-savings": "savings_vault",
}
"""Projects whose venues tidemill has a model of; others are known by their list alone."""
LENT = ("aave_v3", "morpho_blue")
"""Kinds where two tokens in a name are what is lent and what it is lent against, not a pool of both."""


class Opportunity(Struct, frozen=True):
    """One row. ``network`` and ``kind`` are ids here, empty where the list's own words are not known.

    ``tvl`` is in micro-dollars; rates are basis points a year; ``days`` is how long the list has followed it; ``lock_days``
    how long the list's remarks say that money is locked or waits to leave; ``updated`` when the list says that it last looked,
    unix seconds. ``None``: not given, or no number.

    ``origin`` says who claims it: a list, a person (``hand``), or tidemill's own dated ``facts``; ``source`` and ``confidence``
    are theirs. ``low_bps`` is the least that facts allow for; ``lasting``: the rate follows from a protocol's own rules and
    holds until they change. ``note`` is what else must be known.
    """

    id: str
    chain: str
    network: str
    project: str
    kind: str
    symbol: str
    tokens: tuple[str, ...]
    tvl: int | None
    base_bps: int | None
    reward_bps: int | None
    apy_bps: int | None
    mean_bps: int | None
    stable: bool
    diverges: bool
    rewarded: bool
    outlier: bool
    days: int | None
    row: int
    lock_days: int = 0
    updated: int | None = None
    origin: Origin = "list"
    source: str = ""
    confidence: str = ""
    low_bps: int | None = None
    lasting: bool = False
    note: str = ""

    @property
    def as_of(self) -> str:
        """The day that the rate is of, as an ISO date; empty where nobody says."""
        return "" if self.updated is None else dt.datetime.fromtimestamp(self.updated, dt.UTC).date().isoformat()

    @property
    def displayed_bps(self) -> int | None:
        """The whole rate that is displayed: as given, else its parts together; ``None`` where there is neither."""
        if self.apy_bps is not None:
            return self.apy_bps
        return None if self.base_bps is None else self.base_bps + (self.reward_bps or 0)

    @property
    def name(self) -> str:
        """How a person would call it."""
        known = self.project and self.symbol and self.chain
        return f"{self.project} {self.symbol} on {self.network or self.chain}" if known else f"row {self.row}"


def read_list(path: str | Path) -> list[Opportunity]:
    """Read a list from a JSON file: ``[…]`` or ``{"data": […]}``.

    Raises
    ------
    BadInput : absent, too large, not JSON, or not a list of rows.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadInput(f"larger than {MOST_BYTES:,} bytes: not a list of opportunities", file=str(path))
        raw = file.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=str(path)) from None
    return decode_list(raw, str(path))


def decode_list(raw: bytes, name: str) -> list[Opportunity]:
    """Read a list from its bytes; raises ``BadInput`` naming ``name`` where they are none."""
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        data = _leniently(raw, name)
    return parse_list(data, name)


def _leniently(raw: bytes, name: str) -> Any:
    """Read what strict JSON lacks and such lists have: NaN, numbers beyond every range, a byte order mark."""
    try:
        return json.loads(raw.decode("utf-8-sig", errors="replace"), parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {error}", file=name) from None


def parse_list(data: Any, file: str = "list") -> list[Opportunity]:
    """Read rows; what is no row, or has no name, is kept without one and doubted. Raises ``BadInput`` for no list."""
    rows = data.get("data") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise BadInput('expected a list of rows, or {"data": [rows]}', file=file)
    if not 1 <= len(rows) <= MOST_ROWS:
        raise BadInput(f"{len(rows):,} rows; between 1 and {MOST_ROWS:,}", file=file)
    return [_opportunity(row if isinstance(row, Mapping) else {}, number) for number, row in enumerate(rows, 1)]


def _opportunity(row: Mapping[str, Any], number: int) -> Opportunity:
    chain, project, symbol = (_text(row, key) for key in ("chain", "project", "symbol"))
    rewards = row.get("rewardTokens")
    kind, stable = PROJECTS.get(project.lower(), ""), row.get("stablecoin") is True
    tokens = tuple(part for part in symbol.upper().replace("/", "-").split("-") if part)
    return Opportunity(
        # what has no name stands for nothing else in the list
        id=str(row.get("pool") or f"{chain}/{project}/{symbol}") if chain and project and symbol else f"row {number}",
        chain=chain,
        network=CHAINS.get(chain.lower(), ""),
        project=project,
        kind=kind,
        symbol=symbol,
        tokens=tokens,
        tvl=_scaled(row.get("tvlUsd"), 1_000_000),
        base_bps=_scaled(row.get("apyBase"), 100),
        reward_bps=_scaled(row.get("apyReward"), 100),
        apy_bps=_scaled(row.get("apy"), 100),
        mean_bps=_scaled(row.get("apyMean30d"), 100),
        stable=stable,
        # the cautious one of two claims: prices of unlike tokens part, whatever a list says of it
        diverges=str(row.get("ilRisk", "")).lower() == "yes" or (not stable and kind not in LENT and unlike(tokens)),
        rewarded=isinstance(rewards, list) and bool(rewards),
        outlier=row.get("outlier") is True,
        days=_scaled(row.get("count"), 1),
        row=number,
        lock_days=_lock(_text(row, "poolMeta")),
        updated=_moment(next((row[key] for key in ("timestamp", "updated", "updatedAt") if row.get(key)), None)),
    )


def _moment(value: Any) -> int | None:
    """Return unix seconds of an ISO date, of seconds or of milliseconds; ``None`` for what is none of these."""
    if isinstance(value, str):
        try:
            found = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
        return int((found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp())
    seconds = _scaled(value, 1)
    return seconds // 1_000 if seconds is not None and seconds > 10**11 else seconds


def _lock(remark: str) -> int:
    """Return the days of a remark such as "7 days unstaking", 0 where it speaks of no waiting."""
    known = _LOCK_DAYS.search(remark.lower())
    return min(int(known[1]), 3_650) if known and _WAITING.search(remark.lower()) else 0


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value.strip()[:120] if isinstance(value, str) else ""


def _scaled(value: Any, scale: int) -> int | None:
    """Return a number of the list as an integer, rounded down; ``None`` for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.floor(value * scale) if abs(value) < 1e15 else None  # what is not finite is no less than that
