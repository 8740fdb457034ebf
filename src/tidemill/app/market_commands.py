"""``tidemill market``: import, list, show, verify."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from msgspec import to_builtins

from tidemill.app.console import emit_json, note, stdout
from tidemill.app.options import Json
from tidemill.app.rates_command import rates, sample
from tidemill.errors import BadData, BadInput
from tidemill.wording import moment

if TYPE_CHECKING:
    from tidemill.market.manifest import Manifest

__all__ = ["market"]

Root = Annotated[Path, Parameter(name=["--root"])]

market = App(name="market", help="Recorded markets: import, list, show, verify; tables of rates.")
market.command(rates)
market.command(sample)


@market.command(name="import")
def import_(
    source: str,
    name: str,
    *,
    address: str,
    token0: str,
    token1: str,
    fee: int,
    tick_spacing: int,
    network: str = "ethereum",
    chain_id: int = 1,
    from_block: int | None = None,
    to_block: int | None = None,
    root: Root = Path("markets"),
    replace: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Import a pool's raw logs from a Parquet or CSV file, or from a JSON-RPC endpoint, into a dataset.

    A sample of the swaps in a file must come out again with the fee and tick spacing given; an endpoint says them itself.

    Example: `tidemill market import logs.parquet usdc_weth --address 0x88e6… --token0 USDC:6 --token1 WETH:18 --fee 500
    --tick-spacing 10`

    Parameters
    ----------
    source
        A file of raw logs, or the URL of an endpoint (http://… or https://…), which then needs the block range.
    name
        Name of the dataset; it becomes a folder under `--root`.
    address
        The pool's contract address.
    token0
        Symbol and decimals of token0, e.g. USDC:6.
    token1
        Symbol and decimals of token1, e.g. WETH:18.
    fee
        Fee in millionths, e.g. 500 for 0.05 %.
    tick_spacing
        The pool's tick spacing.
    network
        Where the logs were recorded.
    chain_id
        The chain id; an endpoint that answers another one is refused.
    from_block
        First block, for an endpoint.
    to_block
        Last block, for an endpoint; default: its finalized block.
    root
        Folder of datasets.
    replace
        Replace a dataset of this name; without it, one of other content is kept and the import refused.
    json
        Print the manifest as JSON on standard output.
    """
    from tidemill.market import PoolInfo, Token, import_rawlogs, write_dataset  # noqa: PLC0415
    from tidemill.market.manifest import check_pool  # noqa: PLC0415

    if not name or Path(name).name != name or name.startswith("."):
        raise BadInput(f"{name!r} is not a plain folder name", field="name")
    if not re.fullmatch("0x[0-9a-fA-F]{40}", address):
        raise BadInput(f"{address!r} is no contract address; write 0x and 40 hexadecimal digits", field="address")
    tokens = Token(*token_of(token0, "token0")), Token(*token_of(token1, "token1"))
    pool = check_pool(PoolInfo(chain_id, network, address.lower(), *tokens, fee, tick_spacing))
    if source.startswith(("http://", "https://", "ipc:")):
        from tidemill.market.ingest import ingest_pool  # noqa: PLC0415

        if from_block is None:
            raise BadInput("an endpoint needs --from-block", field="from_block")
        if from_block < 0 or (to_block is not None and to_block < from_block):
            raise BadInput(f"{from_block} to {to_block} is no range of blocks", field="to_block")
        _check_free(root / name, replace)
        dataset = ingest_pool(source, pool, from_block, to_block, root / name, progress=note)
    else:
        from tidemill.market.fit import check_fit  # noqa: PLC0415

        _check_free(root / name, replace, keeps=True)
        dataset = import_rawlogs(source, pool)
        if unsure := check_fit(dataset.events, pool).note:
            note(f"note: {unsure}")
        if not replace and (there := _there(root / name)) is not None:
            if (there.content_hash, there.pool) != (dataset.content_hash, dataset.pool):
                raise _taken(root / name, f"holds {there.title}, {there.rows:,} events, and differs")
            if json:
                emit_json(there)
            note(f"already there: {root / name} holds these {there.rows:,} events")
            return 0
        dataset = write_dataset(dataset, root / name)
    if json:
        emit_json(dataset.manifest)
    note(f"wrote {root / name}: {dataset.manifest.title}, {dataset.manifest.rows:,} events")
    return 0


@market.command(name="ls")
def ls(*, root: Root = Path("markets"), json: Json = False) -> int:
    """List datasets.

    Example: `tidemill market ls --root markets`

    Parameters
    ----------
    root
        Folder of datasets.
    json
        Print the manifests as JSON on standard output.
    """
    from tidemill.app.tables import plain, table  # noqa: PLC0415
    from tidemill.market import list_datasets  # noqa: PLC0415

    if not root.is_dir():
        raise BadInput(f"{root} is not a folder; datasets come with `tidemill market import`", field="root")
    found = list_datasets(root)
    if json:
        emit_json({path.name: manifest for path, manifest in found})
        return 0
    rows = [
        [
            plain(path.name),
            plain(m.title),
            m.fidelity,
            f"{m.rows:,}",
            moment(m.first_time),
            moment(m.last_time),
            plain(m.licence or "–"),
        ]
        for path, m in found
    ]
    stdout().print(table("", ["name", "pool", "fidelity", "events>", "from", "to", "licence"], rows))
    return 0


@market.command(name="show")
def show(dataset: Path, *, json: Json = False) -> int:
    """Show a dataset: schema, range, gaps, a sample, and what fidelity it supports.

    Example: `tidemill market show markets/usdc_weth`

    Parameters
    ----------
    dataset
        Folder of the dataset.
    json
        Print everything as JSON on standard output.
    """
    from tidemill.app.tables import plain, table  # noqa: PLC0415
    from tidemill.market import describe, load_dataset  # noqa: PLC0415

    about = describe(load_dataset(dataset))
    if json:
        emit_json(about)
        return 0
    console = stdout()
    console.print(
        f"[bold]{plain(about['title'])}[/bold]" + ("  [yellow]synthetic[/yellow]" if about["synthetic"] else "")
    )
    first, last = about["times"]
    console.print(f"blocks {about['blocks'][0]}–{about['blocks'][1]}, {moment(first)} to {moment(last)}")
    console.print(f"fidelity {about['fidelity']}; supports {', '.join(about['supports'])}")
    console.print(f"events: {', '.join(f'{count:,} {kind}' for kind, count in about['kinds'].items())}")
    for name, columns in about["schema"].items():
        console.print(table(name, ["column", "type"], [[c, t] for c, t in columns.items()]))
    gaps = [[moment(a), moment(b), f"{b - a:,} s"] for a, b in about["gaps"]]
    console.print(table("longest silences", ["from", "to", "length>"], gaps))
    for row in about["sample"]:
        console.print(row, markup=False)
    return 0


@market.command(name="verify")
def verify(dataset: Path, *, json: Json = False) -> int:
    """Hash a dataset's files again; check values, order, duplicates, ranges, fee and tick spacing; exit code 1 if wrong.

    Example: `tidemill market verify markets/usdc_weth`

    Parameters
    ----------
    dataset
        Folder of the dataset.
    json
        Print the findings as JSON on standard output.
    """
    from tidemill.market import verify as check  # noqa: PLC0415

    findings = check(dataset)
    if json:
        emit_json({"ok": findings.ok} | to_builtins(findings))
    else:
        for line in findings.errors:
            stdout().print(line, markup=False)
        for line in findings.notes:
            stdout().print(f"note: {line}", markup=False)
        stdout().print(f"{findings.files} files, {findings.rows:,} rows: {'sound' if findings.ok else 'NOT sound'}")
    return 0 if findings.ok else 1


def _check_free(target: Path, replace: bool, *, keeps: bool = False) -> None:
    """Refuse a place that holds something else than a dataset, or a dataset without leave to replace it.

    ``keeps``: a sound dataset may stand there, its content is compared later.
    """
    if not target.exists() and not target.is_symlink():
        return
    if not (target / "manifest.json").is_file():
        raise BadInput(f"{target} is there and no dataset; choose another name", field="name")
    if replace or (keeps and _there(target) is not None):
        return
    raise _taken(target, "is there" if _there(target) else "is there, and damaged")


def _there(target: Path) -> Manifest | None:
    """Return the manifest of a dataset that can be read, None where there is none or it cannot."""
    from tidemill.market import load_dataset  # noqa: PLC0415

    if not target.exists():
        return None
    try:
        return load_dataset(target).manifest
    except BadData:
        return None


def _taken(target: Path, what: str) -> BadInput:
    return BadInput(f"{target} {what}; add --replace to replace it, or choose another name", field="name")


def token_of(text: str, field: str) -> tuple[str, int]:
    """Read SYMBOL:DECIMALS; raises ``BadInput`` naming the option."""
    symbol, _, decimals = text.partition(":")
    if not symbol or not decimals.isdecimal() or int(decimals) > 36:
        raise BadInput(f"{text!r} is not SYMBOL:DECIMALS, e.g. USDC:6", field=field)
    return symbol, int(decimals)
