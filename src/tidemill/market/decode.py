"""Raw EVM logs of a Uniswap v3 pool, decoded column by column.

All logs of one kind are joined into one hexadecimal text and turned into an array of 32-byte words at once; each word
is then checked against its declared type, so that damaged data are named and never silently truncated.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tidemill.errors import BadData
from tidemill.market.layouts import LAYOUTS, TOPICS
from tidemill.market.limbs import Limbs
from tidemill.market.schema import EVENTS, WIDTHS, Kind

__all__ = ["decode_logs", "normalise_logs"]


_NAMES = {
    "block": ("block", "block_number", "blockNumber"),
    "time": ("time", "block_timestamp", "timestamp"),
    "tx_index": ("tx_index", "transaction_index", "transactionIndex"),
    "log_index": ("log_index", "logIndex"),
    "tx_hash": ("tx_hash", "transaction_hash", "transactionHash"),
    "block_hash": ("block_hash", "blockHash"),
    "address": ("address", "contract_address"),
    "topics": ("topics",),
    "data": ("data",),
}
_OPTIONAL = frozenset({"block_hash", "address", "tx_hash"})


def normalise_logs(frame: pl.DataFrame, *, where: str = "logs") -> pl.DataFrame:
    """Give raw-log columns their names and types here: block, time (s), tx_index, log_index, tx_hash, topics, data ….

    Accepts the usual spellings, ``topics`` as a list or as printed text, times as datetimes or seconds. Raises
    ``BadData`` naming the missing or ill-typed column; ``where`` is the file named in errors.
    """
    columns = {}
    for name, spellings in _NAMES.items():
        found = next((s for s in spellings if s in frame.columns), None)
        if found is None:
            if name in _OPTIONAL:
                continue
            raise BadData(f"{where}: no column {name!r} (looked for {', '.join(spellings)}); these are not raw logs")
        columns[name] = frame[found]
    time = columns["time"]
    if isinstance(time.dtype, pl.Datetime):
        columns["time"] = time.dt.epoch("s")
    if columns["topics"].dtype == pl.String:
        columns["topics"] = columns["topics"].str.extract_all("0x[0-9a-fA-F]*")
    types = {"block": pl.Int64, "time": pl.Int64, "tx_index": pl.Int32, "log_index": pl.Int32}
    wanted: dict[str, Any] = types | dict.fromkeys(("tx_hash", "block_hash", "address", "data"), pl.String)
    wanted["topics"] = pl.List(pl.String)
    try:
        table = pl.DataFrame({name: column.cast(wanted[name]) for name, column in columns.items()})
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise BadData(f"{where}: a column has the wrong type ({str(error).splitlines()[0]})") from None
    for name, column in zip(table.columns, table.get_columns(), strict=True):
        if column.null_count():
            raise BadData(f"{where}: column {name!r} is empty in row {column.is_null().arg_max()}")
    return table


def decode_logs(
    frame: pl.DataFrame, *, address: str | None = None, tick_spacing: int | None = None, where: str = "logs"
) -> pl.DataFrame:
    """Decode raw logs of one pool into the ``EVENTS`` table.

    Parameters
    ----------
    frame : one row per log, in chain order (see ``normalise_logs``).
    address : the pool; checked when the logs carry an address.
    tick_spacing : of the pool; ticks of positions must be its multiples.
    where : the file or source named in errors.

    Raises
    ------
    BadData : another contract's log, wrong topics, truncated or damaged data, out of order or duplicate.
    """
    logs = normalise_logs(frame, where=where)
    decoder = _Decoder(logs, where)
    if address is not None and "address" in logs.columns:
        decoder.check_address(address)
    decoder.check_order()
    decoder.decode()
    decoder.check_ticks(tick_spacing)
    return decoder.table()


_NO_TICK = -(2**31)


class _Decoder:
    """Logs being decoded: ``columns`` fill kind by kind."""

    def __init__(self, logs: pl.DataFrame, where: str) -> None:
        self.logs, self.where = logs, where
        rows = logs.height
        columns: dict[str, NDArray[Any]] = {n: np.zeros((rows, w), np.uint64) for n, w in WIDTHS.items()}
        columns |= {n: np.full(rows, None, object) for n in ("sender", "owner", "recipient")}
        columns |= {n: np.full(rows, _NO_TICK, np.int32) for n in ("tick_lower", "tick_upper", "tick")}
        columns["kind"] = np.zeros(rows, np.uint8)
        self.columns = columns

    def fail(self, row: int, what: str) -> NoReturn:
        at = f"block {self.logs['block'][row]}, log index {self.logs['log_index'][row]}"
        raise BadData(f"{self.where}: log {row} ({at}) {what}")

    def check_address(self, address: str) -> None:
        column = self.logs["address"]
        other = column.str.to_lowercase() != address.lower()
        if other.any():
            row = int(other.arg_max() or 0)
            self.fail(row, f"is of contract {column[row]}, not of pool {address}; logs of another pool")

    def check_order(self) -> None:
        block, index = self.logs["block"].to_numpy(), self.logs["log_index"].to_numpy()
        ahead = (block[1:] > block[:-1]) | ((block[1:] == block[:-1]) & (index[1:] > index[:-1]))
        if not ahead.all():
            row = int(np.argmin(ahead)) + 1
            same = block[row] == block[row - 1] and index[row] == index[row - 1]
            what = "duplicates the log before it" if same else "is out of order"
            self.fail(row, f"{what}; sort by (block, log_index) and drop duplicates")
        late = np.diff(self.logs["time"].to_numpy()) < 0
        if late.any():
            self.fail(int(np.argmax(late)) + 1, "is earlier in time than the log before it")

    def decode(self) -> None:
        topic0 = self.logs["topics"].list.get(0, null_on_oob=True).str.to_lowercase().to_list()
        codes = np.array([TOPICS.get(topic, 255) for topic in topic0], dtype=np.uint8)
        if (codes == 255).any():
            row = int(np.argmax(codes == 255))
            self.fail(row, f"has topic {topic0[row]}, which is no Uniswap v3 pool event; logs of another contract")
        self.columns["kind"] = codes
        for code in np.unique(codes):
            self.decode_kind(Kind(int(code)), np.flatnonzero(codes == code))

    def decode_kind(self, kind: Kind, rows: NDArray[np.intp]) -> None:
        layout = LAYOUTS[kind]
        name = layout.signature.partition("(")[0]
        topics = self.logs["topics"].gather(rows).list.slice(1)
        counts = topics.list.len().to_numpy()
        if (counts != len(layout.indexed)).any():
            k = int(np.argmax(counts != len(layout.indexed)))
            self.fail(int(rows[k]), f"is {name}, which has {len(layout.indexed) + 1} topics; found {counts[k] + 1}")
        for position, (column, declared) in enumerate(layout.indexed):
            words = self.words(topics.list.get(position).to_list(), 1, rows, f"{name}.{column} (topic)")
            self.store(column, rows, words[:, 0], declared, name)
        words = self.words(self.logs["data"].gather(rows).to_list(), len(layout.plain), rows, f"{name} data")
        for position, (column, declared) in enumerate(layout.plain):
            self.store(column, rows, words[:, position], declared, name)

    def words(self, texts: list[str], count: int, rows: NDArray[np.intp], what: str) -> Limbs:
        """Hexadecimal texts of ``count`` words each to limbs ``(n, count, 4)``, little-endian."""
        for k, text in enumerate(texts):
            if len(text) != 2 + 64 * count or not text.startswith("0x"):
                found = f"{(len(text) - 2) / 2:g} bytes" if text.startswith("0x") else repr(text[:20])
                self.fail(int(rows[k]), f"is cut short: {what} needs {32 * count} bytes, found {found}")
        try:
            raw = bytes.fromhex("".join([text[2:] for text in texts]))
        except ValueError:
            raw = b""
        if len(raw) != 32 * count * len(texts):
            k = next(k for k, text in enumerate(texts) if _HEX.fullmatch(text) is None)
            self.fail(int(rows[k]), f"is damaged: {what} is not hexadecimal")
        big = np.frombuffer(raw, dtype=">u8").reshape(len(texts), count, 4)
        return big[:, :, ::-1].astype(np.uint64)

    def store(self, column: str, rows: NDArray[np.intp], words: Limbs, declared: str, name: str) -> None:
        """Check words ``(n, 4)`` against their declared type and write them at ``rows``."""
        target = self.columns[column]
        if declared == "address":
            wrong = _beyond(words, 160)
            values: NDArray[Any] = _addresses(words)
        elif declared == "int24":
            low = words[:, 0].astype(np.int64)
            high = np.where(low < 0, np.uint64(2**64 - 1), np.uint64(0))
            wrong = (low < -(2**23)) | (low >= 2**23) | (words[:, 1:] != high[:, None]).any(axis=1)
            values = np.where(wrong, 0, low).astype(np.int32)
        else:
            wrong = _beyond(words, int(declared.lstrip("uint")))
            values = words[:, : target.shape[1]]
        if wrong.any():
            row = int(rows[np.argmax(wrong)])
            self.fail(row, f"is damaged: {name}.{column} is not a valid {declared}")
        target[rows] = values

    def check_ticks(self, spacing: int | None) -> None:
        lower, upper = (self.columns[name].astype(np.int64) for name in ("tick_lower", "tick_upper"))
        has = lower != _NO_TICK
        wrong = has & (lower >= upper)
        if wrong.any():
            row = int(np.argmax(wrong))
            self.fail(row, f"has the range [{lower[row]}, {upper[row]}), reversed or empty")
        if spacing is not None:
            wrong = has & ((lower % spacing != 0) | (upper % spacing != 0))
            if wrong.any():
                row = int(np.argmax(wrong))
                ticks = f"{lower[row]}, {upper[row]}"
                self.fail(row, f"has ticks {ticks}, which are off spacing {spacing}; logs of another pool?")

    def table(self) -> pl.DataFrame:
        columns = {}
        for name, dtype in EVENTS.items():
            if name in self.columns and name.startswith("tick"):
                ticks = pl.DataFrame({name: self.columns[name]})
                columns[name] = ticks.select(pl.when(pl.col(name) != _NO_TICK).then(pl.col(name)))[name]
            elif name in self.columns and self.columns[name].dtype == object:
                columns[name] = pl.Series(name, self.columns[name].tolist(), dtype=pl.String)
            elif name in self.columns:
                columns[name] = pl.Series(name, self.columns[name], dtype=dtype)
            elif name in self.logs.columns:
                columns[name] = self.logs[name].cast(dtype)
            else:
                columns[name] = pl.Series(name, [None] * self.logs.height, dtype=dtype)
        return pl.DataFrame(columns, schema=EVENTS)


_HEX = re.compile("0x[0-9a-fA-F]*")


def _beyond(words: Limbs, bits: int) -> NDArray[np.bool_]:
    """Tell which words need more than ``bits`` bits."""
    full, rest = divmod(bits, 64)
    wrong = np.zeros(len(words), bool)
    if rest:
        wrong |= words[:, full] >> np.uint64(rest) != 0
        full += 1
    wrong |= (words[:, full:] != 0).any(axis=1)
    return wrong


def _addresses(words: Limbs) -> NDArray[np.object_]:
    raw = words[:, ::-1].astype(">u8").tobytes().hex()
    return np.array(["0x" + raw[k + 24 : k + 64] for k in range(0, len(raw), 64)], dtype=object)
