"""Files of logs of one pool and of the position manager: put together, told apart by topic and contract, decoded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import polars as pl
from msgspec import Struct

from tidemill.errors import BadData, BadInput
from tidemill.market.decode import decode_logs, normalise_logs
from tidemill.market.importing import read_source
from tidemill.market.layouts import TOPICS
from tidemill.market.manager_logs import TOPICS_OF_MANAGER, manager_events
from tidemill.market.manifest import PoolInfo
from tidemill.market.store import load_dataset

if TYPE_CHECKING:
    from tidemill.market.growth import Growth
    from tidemill.market.store import Dataset

__all__ = ["Handed", "Logs", "read_logs"]

_TRANSFER = next(topic for topic, what in TOPICS_OF_MANAGER.items() if what == "transfer")


class Handed(NamedTuple):
    """A position token given by ``source`` (empty: made) to ``target``, ahead of the pool's event ``row``."""

    row: int
    block: int
    time: int
    tx: str
    source: str
    target: str


class Logs(Struct, frozen=True):
    """What files hold: the pool's ``events`` (table ``EVENTS``), the ``manager``'s (``manager_events``), and the dataset
    they come from, if one was given.
    """

    pool: PoolInfo
    events: pl.DataFrame
    manager: pl.DataFrame
    dataset: Dataset | None = None

    @property
    def title(self) -> str:
        """The pool in one phrase."""
        return (
            f"{self.pool.token0.symbol}/{self.pool.token1.symbol} {self.pool.fee / 10_000:g} % on {self.pool.network}"
        )

    @property
    def source(self) -> tuple[pl.DataFrame, PoolInfo]:
        """Events and their pool."""
        return self.events, self.pool

    @property
    def has_transfers(self) -> bool:
        """Whether transfers of position tokens are among the logs."""
        return bool((self.manager["what"] == "transfer").any())

    def tokens_of(self, address: str) -> set[int]:
        """Return the position tokens that an address (lower case) received or sent."""
        word = f"{int(address, 16):064x}"
        moved = self.manager.filter(
            (pl.col("what") == "transfer")
            & ((pl.col("a").str.to_lowercase() == word) | (pl.col("b").str.to_lowercase() == word))
        )
        return set(moved["token_id"].to_list())

    def handed(self, token: int, growth: Growth) -> list[Handed]:
        """Return who gave a position token to whom, each with the place among the pool's events; burns are left out."""
        places = [row.name for row in growth.rows]
        part = self.manager.filter((pl.col("what") == "transfer") & (pl.col("token_id") == token))
        out = []
        for block, time, _, index, tx, _, _, source, target, _ in part.iter_rows():
            made = int(source, 16) == 0
            row = bisect_left(places, (block, index)) - made  # its making is told with the mint just ahead
            if int(target, 16):
                out.append(Handed(row, block, time, tx or "", "" if made else "0x" + source[-40:], "0x" + target[-40:]))
        return out


def read_logs(files: Sequence[Path], pool: PoolInfo | None, *, tokens: Iterable[int] | None = None) -> Logs:
    """Read and decode; ``tokens`` are the only position tokens that matter (all if ``None``).

    A log given in several files counts once. Raises ``BadInput`` where the pool is not described, ``BadData`` naming
    file and log for what is damaged, of another pool, or given twice with different content.
    """
    dataset, frames = None, []
    for path in files:
        if path.is_dir():
            dataset = load_dataset(path)
            pool = dataset.pool
        else:
            frames.append(_read(path))
    if pool is None:
        raise BadInput(
            "which pool are these logs of? give --token0, --token1, --fee and --tick-spacing, or a dataset's folder",
            field="logs",
        )
    logs = _once(pl.concat(frames, how="diagonal")) if frames else None
    events = dataset.events if dataset is not None else None
    if events is None:
        events, pool = _pool_events(logs, pool, ", ".join(path.name for path in files))
    manager = manager_events(logs, token_ids=tokens, where="logs") if logs is not None else _no_manager()
    return Logs(pool, events, manager, dataset)


def _read(path: Path) -> pl.DataFrame:
    """Return the logs of a file that may matter, under the names used here; decided by the first topic alone."""
    frame = normalise_logs(read_source(path), where=str(path))
    topic = pl.col("topics").list.get(0, null_on_oob=True).str.to_lowercase()
    return frame.with_columns(topic=topic).filter(pl.col("topic").is_in([*TOPICS, *TOPICS_OF_MANAGER]))


def _once(logs: pl.DataFrame) -> pl.DataFrame:
    """Drop logs that were given before; refuse two different ones of the same place."""
    logs = logs.sort("block", "log_index", maintain_order=True)
    again = (pl.col("block") == pl.col("block").shift()) & (pl.col("log_index") == pl.col("log_index").shift())
    twice = logs.with_columns(again=again.fill_null(value=False), same=_same())
    wrong = twice.filter(pl.col("again") & ~pl.col("same"))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise BadData(f"block {row['block']}, log index {row['log_index']}: given twice, and the two differ")
    return twice.filter(~pl.col("again")).drop("again", "same")


def _same() -> pl.Expr:
    return (pl.col("data") == pl.col("data").shift()) & (pl.col("topic") == pl.col("topic").shift())


def _pool_events(logs: pl.DataFrame | None, pool: PoolInfo, where: str) -> tuple[pl.DataFrame, PoolInfo]:
    assert logs is not None
    own = logs.filter(pl.col("topic").is_in(list(TOPICS)))
    if "address" in own.columns:
        whose = own["address"].str.to_lowercase().unique().drop_nulls().to_list()
        if not pool.address and len(whose) == 1:
            pool = msgspec.structs.replace(pool, address=whose[0])
        if not pool.address and whose:
            raise BadInput(f"these are logs of {len(whose)} pools; name one with --pool 0x…", field="pool")
        own = own.filter(pl.col("address").is_null() | (pl.col("address").str.to_lowercase() == pool.address))
    if own.is_empty():
        raise BadData(f"{where}: no logs of the pool among them; its swaps are needed to follow what it earned")
    return decode_logs(own.drop("topic"), tick_spacing=pool.tick_spacing, where=where), pool


def _no_manager() -> pl.DataFrame:
    names = ("block", "time", "tx_index", "log_index")
    types = dict.fromkeys(names, pl.Int64()) | {"data": pl.String(), "topics": pl.List(pl.String)}
    return manager_events(pl.DataFrame(schema=types))
