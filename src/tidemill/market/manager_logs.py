"""Logs of the position manager: found among millions by their topics, decoded, and joined to the pool's own events."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tidemill.errors import BadData
from tidemill.market.decode import normalise_logs

__all__ = ["CHANGES", "TOPICS_OF_MANAGER", "manager_events"]

TOPICS_OF_MANAGER = {
    "0x3067048beee31b25b2f1681f88dac838c8bba36af25bfb2b7cf7473a5847e35f": "increase",
    "0x26f6a048ee9138f2c0ce266f322cb99228e8d619ae2bff30c67f8dcf9d2377b4": "decrease",
    "0x40d0efd1a53d60ecbf40971b9daf7dc90178c3aadc7aab1765632738fa8b8f01": "collect",
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef": "transfer",
}
"""First topic (a test recomputes them) to what happened to a position token; ERC-20 transfers share the last one."""

CHANGES = ("increase", "decrease", "collect")

_COLUMNS = ["block", "time", "tx_index", "log_index", "tx_hash", "what", "token_id", "a", "b", "c"]


def manager_events(
    logs: pl.DataFrame, *, token_ids: Iterable[int] | None = None, address: str = "", where: str = "logs"
) -> pl.DataFrame:
    """Return what happened to position tokens, in order of the chain.

    Parameters
    ----------
    logs : raw logs of any contracts (``normalise_logs`` says of which columns).
    token_ids : only these. address : of the manager; logs of other contracts are left out where logs say whose they are.

    Columns: block, time, tx_index, log_index, tx_hash, what, token_id and three words of 64 hexadecimal digits. These are
    liquidity, amount0 and amount1 of an increase or decrease; recipient, amount0 and amount1 of a collect; owner before
    and behind a transfer (the third is empty). Raises ``BadData`` for a damaged log of theirs, and for one given twice.
    """
    frame = normalise_logs(logs, where=where)
    first = pl.col("topics").list.get(0, null_on_oob=True).str.to_lowercase()
    frame = frame.with_columns(what=first.replace_strict(TOPICS_OF_MANAGER, default=None)).filter(
        pl.col("what").is_not_null()
    )
    if address and "address" in frame.columns:
        frame = frame.filter(pl.col("address").str.to_lowercase() == address)
    moved = pl.col("what") == "transfer"
    topics = pl.col("topics").list.len()
    frame = frame.filter(~moved | (topics == 4))
    number = pl.when(moved).then(3).otherwise(1)
    frame = frame.with_columns(word=pl.col("topics").list.get(number, null_on_oob=True).str.slice(2).str.to_lowercase())
    if token_ids is not None:
        frame = frame.filter(pl.col("word").is_in([f"{one:064x}" for one in token_ids]))
    size = pl.col("data").str.len_chars()
    damaged = frame.filter(
        ~pl.when(moved).then(size == 2).otherwise((size == 194) & (topics == 2))
        | ~pl.col("data").str.contains("^0x[0-9a-fA-F]*$")
        | ~pl.col("word").fill_null("").str.contains("^[0-9a-f]{64}$")
    )
    if damaged.height:
        row = damaged.row(0, named=True)
        raise BadData(
            f"{where}: block {row['block']}, log index {row['log_index']}: a damaged {row['what']} of a position"
        )
    data = pl.col("data").str.slice(2)
    words = [
        pl.when(moved)
        .then(pl.col("topics").list.get(k + 1, null_on_oob=True).str.slice(2))
        .otherwise(data.str.slice(64 * k, 64))
        for k in (0, 1)
    ]
    if "tx_hash" not in frame.columns:
        frame = frame.with_columns(tx_hash=pl.lit(None, pl.String))
    table = frame.with_columns(
        token_id=pl.col("word").str.slice(48).str.to_integer(base=16, strict=True),
        a=words[0],
        b=words[1],
        c=pl.when(moved).then(pl.lit("")).otherwise(data.str.slice(128, 64)),
    )
    table = table.select(_COLUMNS).sort("block", "log_index")
    twice = table.filter(pl.struct("block", "log_index").is_duplicated())
    if twice.height:
        block, index = twice.row(0)[0], twice.row(0)[3]
        raise BadData(f"{where}: block {block}, log index {index} is given twice; drop duplicates")
    return table
