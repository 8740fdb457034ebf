"""`tidemill statement`: what real positions have earned, on a terminal, as JSON and as a report."""

from __future__ import annotations

import datetime as dt
import io
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from tidemill.app.console import emit_json, note, stdout
from tidemill.app.interrupts import import_polars
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from tidemill.market.manifest import PoolInfo
    from tidemill.studies.held.asked import Asked
    from tidemill.studies.held.document import Portfolio
    from tidemill.studies.pages.write import Format

__all__ = ["Wanted", "statement"]


class Wanted(Struct, frozen=True):
    """The command's options as given."""

    address: str
    token_ids: tuple[int, ...]
    start: str
    end: str
    rpc: str
    logs: tuple[Path, ...]
    network: str
    at: tuple[str, ...]
    find: bool
    trees: tuple[Path, ...]
    pool: tuple[str, str, str, int, int]
    home: str
    price: tuple[str, ...]
    samples: int


def statement(wanted: Wanted, out: Path | None, formats: Sequence[Format], *, as_json: bool) -> int:
    """Read, state and show."""
    started = time.perf_counter()
    import_polars()
    from tidemill.app.commands import progress  # noqa: PLC0415
    from tidemill.studies.load import check_writable  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415

    if bool(wanted.rpc) == bool(wanted.logs):
        raise BadInput("where from? give either --rpc (an endpoint) or --logs (files)", field="rpc")
    if out is not None:
        check_writable(out)
        check_formats(formats)
    elif tuple(formats) != ("html",):
        raise BadInput("say where the report goes: --out FOLDER", field="format")
    asked = _asked(wanted)
    with progress("reading …") as tell:
        done = _from_files(wanted, asked, tell) if wanted.logs else _from_chain(wanted, asked, tell)
    if as_json:
        emit_json(_plain(done))
    else:
        _show(done, stdout())
    if out is not None and done.total is not None:
        note(f"wrote {_write(done, out, formats)} in {time.perf_counter() - started:.1f} s")
    return 0


def _asked(wanted: Wanted) -> Asked:
    from tidemill.studies.held.asked import Asked, address_of, tree_of  # noqa: PLC0415

    return Asked(
        address=address_of(wanted.address) if wanted.address else "",
        token_ids=wanted.token_ids,
        start=wanted.start,
        end=wanted.end,
        network=wanted.network,
        contracts=tuple(_pair(text, "at", "uniswap_v3=0x…") for text in wanted.at),
        home=wanted.home,
        given=dict(_pair(text, "price", "ARB=1.05") for text in wanted.price),
        samples=wanted.samples,
        find=wanted.find,
        trees=tuple(tree_of(path) for path in wanted.trees),
    )


def _pair(text: str, field: str, example: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (name and found and value):
        raise BadInput(f"{text!r} should be written as {example}", field=field)
    return name, value


def _from_chain(wanted: Wanted, asked: Asked, tell: Any) -> Portfolio:
    from tidemill.chain.rpc import Rpc  # noqa: PLC0415
    from tidemill.studies.held.chain import from_chain  # noqa: PLC0415

    with Rpc.connect(wanted.rpc, tell=tell) as rpc:
        return from_chain(rpc, asked, tell)


def _from_files(wanted: Wanted, asked: Asked, tell: Any) -> Portfolio:
    from tidemill.studies.held.asked import address_of  # noqa: PLC0415
    from tidemill.studies.held.files import from_files, known_manager  # noqa: PLC0415

    given = [address for kind, address in asked.contracts if kind == "uniswap_v3"]
    network = wanted.network or "ethereum"
    manager = address_of(given[0]) if given else known_manager(network)
    return from_files(wanted.logs, asked, _pool(wanted, network), manager=manager, tell=tell)


def _pool(wanted: Wanted, network: str) -> PoolInfo | None:
    from tidemill.app.market_commands import token_of  # noqa: PLC0415
    from tidemill.market import PoolInfo, Token  # noqa: PLC0415
    from tidemill.market.manifest import check_pool  # noqa: PLC0415
    from tidemill.studies.held.asked import address_of  # noqa: PLC0415

    address, token0, token1, fee, spacing = wanted.pool
    if not (token0 or token1 or fee or spacing):
        return None
    tokens = Token(*token_of(token0, "token0")), Token(*token_of(token1, "token1"))
    pool = check_pool(PoolInfo(1, network, "0x" + "0" * 40, *tokens, fee, spacing))
    return msgspec.structs.replace(pool, address=address_of(address) if address else "")


# --- showing ----------------------------------------------------------------------------------------------------------


def _show(done: Portfolio, console: Console) -> None:
    from tidemill.app.statement import print_statement  # noqa: PLC0415

    if done.total is not None:
        print_statement(done.total, console)
        _positions(done, console)
    _collects(done, console)
    for one in done.unstated:
        console.print(f"not stated: {plain(one.position)}: {plain(one.reason)}")


def _positions(done: Portfolio, console: Console) -> None:
    from tidemill.app.statement import amount, money  # noqa: PLC0415

    total = done.total
    assert total is not None
    documents = done.positions or {done.still_open[0].position if done.still_open else "all of it": total}
    rows = []
    for name, document in documents.items():
        value = {row.key: row.value for row in document.waterfall}
        income = sum(value.get(key, 0) for key in ("fees", "growth", "rewards", "interest"))
        fees = sum(value.get(key, 0) for key in ("l2", "l1", "operator", "failed"))
        holding = next(one.keep for one in document.comparisons if one.name == "holding")
        keep = document.headline.keep
        paid = money(fees) if "l2" in value else "unknown"
        figures = [money(income), money(value.get("divergence", 0)), paid, money(keep), money(keep - holding)]
        rows.append([plain(name), *figures])
    home = total.study.home
    columns = ["", "earned>", "divergence>", "network fees>", "kept>", "against holding>"]
    console.print()
    console.print(table(f"Each position alone, {home}" if done.positions else home, columns, rows))
    tokens = {token.id: token for token in total.tokens}

    def worth(side: Mapping[str, int]) -> str:
        each = (
            f"{amount(raw, tokens[t].decimals)} {tokens[t].symbol}" for t, raw in side.items() if t in tokens and raw
        )
        return ", ".join(each) or "–"

    held = [
        [plain(one.position), plain(worth(one.principal)), plain(worth(one.claimable)), money(one.value, sign=False)]
        for one in done.still_open
    ]
    console.print()
    if held:
        console.print(table("Still open at the end", ["", "principal", "to be claimed", f"worth, {home}>"], held))
    else:
        console.print("nothing is open at the end")


def _collects(done: Portfolio, console: Console) -> None:
    if not done.collects:
        return
    rows = []
    for one in done.collects:
        when = dt.datetime.fromtimestamp(one.change.time, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
        paid = f"{one.change.amounts[0]} + {one.change.amounts[1]}"
        if one.due is None:
            verdict = f"not determined: {one.reason}"
        elif one.exact:
            verdict = "to the wei" + (f" (taken for true: {one.rests_on})" if one.rests_on else "")
        else:
            verdict = f"{'a part: ' if one.possible else 'CONTRADICTS THE LOGS: '}{one.due[0]} + {one.due[1]} were due"
        rows.append([plain(one.life), when, paid, plain(verdict)])
    console.print()
    console.print(table("What was collected, raw units", ["", "when", "paid out", "against the logs before"], rows))
    determined = [one for one in done.collects if one.due is not None]
    exact = sum(one.exact for one in determined)
    console.print(
        f"{len(done.collects)} collects: {len(determined)} determined by the logs, {exact} of these to the wei"
    )


def _plain(done: Portfolio) -> dict[str, Any]:
    return {
        "total": done.total,
        "positions": done.positions,
        "open": done.still_open,
        "collects": [
            {
                "position": one.life,
                "block": one.change.block,
                "time": one.change.time,
                "transaction": one.change.tx,
                "paid": one.change.amounts,
                "due": one.due,
                "exact": one.exact,
                "possible": one.possible,
                "reason": one.reason,
                "rests_on": one.rests_on,
            }
            for one in done.collects
        ],
        "unstated": done.unstated,
    }


def _write(done: Portfolio, out: Path, formats: Sequence[Format]) -> str:
    from tidemill.ledger.export import books_frame  # noqa: PLC0415
    from tidemill.ledger.posting import post  # noqa: PLC0415
    from tidemill.studies.load import write_together  # noqa: PLC0415
    from tidemill.studies.pages.backtest import result_page  # noqa: PLC0415
    from tidemill.studies.pages.write import report_files  # noqa: PLC0415

    assert done.total is not None
    ledger = io.BytesIO()
    books_frame(post(done.record, done.marks)).write_parquet(ledger)
    files = {
        **report_files(done.total, partial(result_page, done.total), formats),
        "ledger.parquet": ledger.getvalue(),
        "statement.json": msgspec.json.format(msgspec.json.encode(_plain(done)), indent=2),
    }
    for name, document in done.positions.items():
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-").lower()
        for file, content in report_files(document, partial(result_page, document), formats).items():
            files[file.replace("report", f"report-{stem}", 1)] = content
    write_together(out, files)
    return f"{out}/{', '.join(files)}"
