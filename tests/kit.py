"""A small market, a study over it, and the command line in process: shared by the rooms app, docs and examples."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tidemill.app.main import main

NEEDS_PAGE = pytest.mark.skipif(
    not (Path(main.__code__.co_filename).parent / "static" / "report.html").is_file(),
    reason="the report page has not been built (app/static/report.html); run: make setup",
)
"""For tests that write a report: `make test` builds the page first."""

STUDY: dict[str, Any] = {
    "title": "A small range",
    "network": "op-mainnet",
    "strategy": "range_reset",
    "home": "USDC",
    "capital": {"USDC": "1000", "ETH": "0.1"},
    "venues": {"pool": {"kind": "uniswap_v3", "dataset": "small"}},
    "parameters": {"width": 200, "trigger": 20, "cooldown": 3600},
}
"""A study over the dataset ``small`` beside it."""


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


def tidemill(*arguments: object) -> Said:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Said(code, out.getvalue(), err.getvalue())


def small_market(**changes: Any) -> Any:
    """Two days of a synthetic market of fidelity ``exact``, in memory; ``changes`` are fields of its specification."""
    from tidemill.market import PoolInfo, Token
    from tidemill.market.flow_spec import FlowSpec, Provider
    from tidemill.market.generate import generate

    told = {
        "pool": PoolInfo(10, "op-mainnet", "0x" + "05" * 20, Token("USDC", 6), Token("WETH", 18), 500, 10),
        "providers": (
            Provider(30_000_000_000_000_000, 887_270),
            Provider(200_000_000_000_000_000, 800, moves_per_day=300),
        ),
        "days": 2,
        "seed": "small",
    }
    return generate(FlowSpec(**{**told, **changes}))


def to_toml(data: dict[str, Any]) -> str:
    """Write nested tables of text, numbers, booleans, dates and lists as TOML."""

    def value(item: Any) -> str:
        if isinstance(item, bool):
            return str(item).lower()
        if isinstance(item, dict):
            return "{" + ", ".join(f'"{key}" = {value(inner)}' for key, inner in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(value(inner) for inner in item) + "]"
        return msgspec.json.encode(item).decode() if isinstance(item, str) else str(item)

    return "".join(f"{key} = {value(item)}\n" for key, item in data.items())


def changed(path: str, item: Any, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a copy of a study with the value at ``path`` (dots between tables) replaced, or removed by ``None``."""
    data: dict[str, Any] = msgspec.to_builtins(STUDY if base is None else base)
    inner = data
    *parents, last = path.split(".")
    for part in parents:
        inner = inner.setdefault(part, {})
    if item is None:
        del inner[last]
    else:
        inner[last] = item
    return data


def write_study(folder: Path, data: dict[str, Any] | None = None, name: str = "study.toml") -> Path:
    """Write a study into ``folder`` and return its path."""
    path = folder / name
    path.write_text(to_toml(STUDY if data is None else data), encoding="utf-8")
    return path


def raw_logs(events: Any, path: Path, *, address: str = "") -> Path:
    """Write an event table as a node would have given the logs: topics and data in hexadecimal."""
    import polars as pl

    from tidemill.market.layouts import LAYOUTS, TOPICS
    from tidemill.market.limbs import from_limbs
    from tidemill.market.schema import SIGNED, WIDTHS, Kind

    topic0 = {kind: topic for topic, kind in TOPICS.items()}
    wide = {name: from_limbs(events[name].to_numpy(), signed=name in SIGNED) for name in WIDTHS}

    def word(name: str, row: int, declared: str) -> str:
        value = wide[name][row] if name in wide else events[name][row]
        number = int(value or "0x0", 16) if declared == "address" else int(value)
        return (number % 2**256).to_bytes(32, "big").hex()

    rows = []
    for row, code in enumerate(events["kind"].to_list()):
        layout = LAYOUTS[Kind(code)]
        rows.append(
            {
                "block_number": events["block"][row],
                "block_timestamp": events["time"][row],
                "transaction_index": events["tx_index"][row],
                "log_index": events["log_index"][row],
                "topics": [topic0[Kind(code)], *("0x" + word(n, row, t) for n, t in layout.indexed)],
                "data": "0x" + "".join(word(n, row, t) for n, t in layout.plain),
            }
            | ({"address": address} if address else {})
        )
    pl.DataFrame(rows).write_parquet(path)
    return path
