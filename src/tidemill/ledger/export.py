"""Books as Parquet: one row per posting, in the order of the books, loss-free."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tidemill.errors import InvariantBroken
from tidemill.ledger.books import Books
from tidemill.ledger.valuation import value_books

if TYPE_CHECKING:
    import polars as pl

__all__ = ["books_frame", "content_hash", "write_books"]

_INT64 = 2**63


def books_frame(books: Books) -> pl.DataFrame:
    """Return all postings of the valued books.

    Columns: ``line`` (place of the posting), ``seq``, ``time`` (seconds), ``kind``, ``label``, ``phase``, ``account``,
    ``token``, ``amount`` (raw units, decimal text: any size), ``value`` (micro-units of the home asset). Sorted by
    ``line``. Raises ``InvariantBroken`` for a value beyond 64 bits.
    """
    import polars as pl  # noqa: PLC0415 - heavy; the books do without it

    rows = [
        (entry.seq, entry.time, entry.kind, entry.label, entry.phase, p.account, p.token, str(p.amount), p.value)
        for entry in value_books(books)
        for p in entry.postings
    ]
    for row in rows:
        if not -_INT64 <= row[-1] < _INT64:
            raise InvariantBroken(f"export: {row[5]} has a value of {row[-1]} micro-units, beyond 64 bits")
    columns = {
        "seq": pl.Int64,
        "time": pl.Int64,
        **dict.fromkeys(("kind", "label", "phase", "account", "token"), pl.String),
    }
    schema = {**columns, "amount": pl.String, "value": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("line")


def write_books(books: Books, path: Path) -> str:
    """Write :func:`books_frame` to ``path`` (Parquet, zstd) and return the content's hash, not the file's."""
    frame = books_frame(books)
    frame.write_parquet(path, compression="zstd")
    return content_hash(frame)


def content_hash(frame: pl.DataFrame) -> str:
    """Return the SHA-256 of a frame's rows as text, whatever wrote the file it came from."""
    digest = hashlib.sha256()
    for row in frame.iter_rows():
        digest.update("\x1f".join(str(cell) for cell in row).encode() + b"\n")
    return digest.hexdigest()
