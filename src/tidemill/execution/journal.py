"""The journal: what was decided and what was signed, written before it happens. In memory, or in SQLite to survive."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from msgspec import structs

from tidemill.errors import BadData, BadInput, InvariantBroken
from tidemill.execution.decisions import Decided
from tidemill.execution.rows import Attempt, Row, State

__all__ = ["MemoryJournal", "SqliteJournal"]

SCHEMA_VERSION = 1

# Integers that may exceed 64 bits (wei, fees) are decimal text; there is no float column.
SCHEMA = """
CREATE TABLE decisions (
    run TEXT NOT NULL, number INTEGER NOT NULL, seen TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run, number)
) STRICT;
CREATE TABLE rows (
    id TEXT PRIMARY KEY, chain_id INTEGER NOT NULL, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
    receiver TEXT NOT NULL, value TEXT NOT NULL, data BLOB NOT NULL, gas INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed')),
    tx_hash TEXT NOT NULL, block_number INTEGER NOT NULL, block_hash TEXT NOT NULL,
    UNIQUE (chain_id, sender, nonce)
) STRICT;
CREATE TABLE attempts (
    hash TEXT PRIMARY KEY, row TEXT NOT NULL REFERENCES rows (id), position INTEGER NOT NULL, raw BLOB NOT NULL,
    max_fee TEXT NOT NULL, tip TEXT NOT NULL, UNIQUE (row, position)
) STRICT;
"""


class MemoryJournal:
    """A journal for runs that need not survive the process: backtests and rehearsals."""

    def __init__(self) -> None:
        self._decisions: dict[str, list[Decided]] = {}
        self._rows: dict[str, Row] = {}

    def decisions(self, run: str) -> Sequence[Decided]:
        """Return the decisions of ``run`` so far, in order."""
        return tuple(self._decisions.get(run, ()))

    def decide(self, run: str, decided: Decided) -> None:
        """Store a decision."""
        self._decisions.setdefault(run, []).append(decided)

    def open_row(self, row: Row) -> None:
        """Store a new row; its id and its nonce must be free."""
        taken = any(
            (r.chain_id, r.sender, r.nonce) == (row.chain_id, row.sender, row.nonce) for r in self._rows.values()
        )
        if row.id in self._rows or taken:
            raise InvariantBroken(f"journal: intent {row.id} or nonce {row.nonce} is taken")
        self._rows[row.id] = row

    def add_attempt(self, row_id: str, attempt: Attempt) -> None:
        """Store further bytes for a row."""
        row = self._rows[row_id]
        self._rows[row_id] = structs.replace(row, attempts=(*row.attempts, attempt))

    def finish(self, row_id: str, state: State, tx_hash: str, block_number: int, block_hash: str) -> None:
        """Close a row."""
        self._rows[row_id] = structs.replace(
            self._rows[row_id], state=state, tx_hash=tx_hash, block_number=block_number, block_hash=block_hash
        )

    def row(self, row_id: str) -> Row | None:
        """Return a row, if there is one."""
        return self._rows.get(row_id)

    def rows(self) -> list[Row]:
        """Return every row, by nonce."""
        return sorted(self._rows.values(), key=lambda r: r.nonce)

    def open_rows(self) -> Sequence[Row]:
        """Return every row that is not final, by nonce."""
        return sorted((r for r in self._rows.values() if r.state == "open"), key=lambda r: r.nonce)

    def last_nonce(self, chain_id: int, sender: str) -> int | None:
        """Return the highest nonce signed for this account."""
        own = [r.nonce for r in self._rows.values() if (r.chain_id, r.sender) == (chain_id, sender)]
        return max(own, default=None)

    def close(self) -> None:
        """Nothing to let go of."""


class SqliteJournal:
    """A journal that survives the process and the machine: WAL, ``synchronous=FULL``, foreign keys, one writer.

    Parameters
    ----------
    path : the file, made if it is not there; a lock beside it keeps a second process out.

    Raises
    ------
    BadInput : another process holds the journal. BadData : the file is damaged or of another version.
    """

    def __init__(self, path: Path) -> None:
        self._lock: IO[str] = _lock(path)
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._prepare(path)
        except BaseException:
            self._lock.close()
            raise

    def _prepare(self, path: Path) -> None:
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            sound = self._db.execute("PRAGMA integrity_check").fetchone()[0]
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise BadData(f"{path}: the journal cannot be read ({error}); restore it before sending anything") from None
        if sound != "ok" or version not in (0, SCHEMA_VERSION):
            self._db.close()
            what = f"is of version {version}, not {SCHEMA_VERSION}" if sound == "ok" else f"is damaged ({sound})"
            raise BadData(f"{path}: the journal {what}; restore it before sending anything")
        if version == 0:
            # One script, one transaction: a half-made schema cannot be left behind.
            self._db.executescript(f"BEGIN;{SCHEMA}PRAGMA user_version={SCHEMA_VERSION};COMMIT;")

    def decisions(self, run: str) -> Sequence[Decided]:
        """Return the decisions of ``run`` so far, in order."""
        rows = self._all("SELECT number, seen, body FROM decisions WHERE run = ? ORDER BY number", run)
        return tuple(Decided(*row) for row in rows)

    def decide(self, run: str, decided: Decided) -> None:
        """Store a decision."""
        self._write(("INSERT INTO decisions VALUES (?, ?, ?, ?)", (run, decided.number, decided.seen, decided.body)))

    def open_row(self, row: Row) -> None:
        """Store a new row with its attempts; its id and its nonce must be free."""
        own = (row.id, row.chain_id, row.sender, row.nonce, row.to, str(row.value), row.data, row.gas)
        end = (row.state, row.tx_hash, row.block_number, row.block_hash)
        statements = [("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", own + end)]
        statements += [_insert(row.id, position, attempt) for position, attempt in enumerate(row.attempts)]
        self._write(*statements)

    def add_attempt(self, row_id: str, attempt: Attempt) -> None:
        """Store further bytes for a row."""
        (position,) = self._all("SELECT count(*) FROM attempts WHERE row = ?", row_id)[0]
        self._write(_insert(row_id, position, attempt))

    def finish(self, row_id: str, state: State, tx_hash: str, block_number: int, block_hash: str) -> None:
        """Close a row."""
        update = "UPDATE rows SET state = ?, tx_hash = ?, block_number = ?, block_hash = ? WHERE id = ?"
        self._write((update, (state, tx_hash, block_number, block_hash, row_id)))

    def row(self, row_id: str) -> Row | None:
        """Return a row, if there is one."""
        found = self._all("SELECT * FROM rows WHERE id = ?", row_id)
        return self._row(found[0]) if found else None

    def open_rows(self) -> Sequence[Row]:
        """Return every row that is not final, by nonce."""
        return [self._row(r) for r in self._all("SELECT * FROM rows WHERE state = 'open' ORDER BY nonce")]

    def last_nonce(self, chain_id: int, sender: str) -> int | None:
        """Return the highest nonce signed for this account."""
        query = "SELECT max(nonce) FROM rows WHERE chain_id = ? AND sender = ?"
        found: int | None = self._all(query, chain_id, sender)[0][0]
        return found

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._db.close()
        self._lock.close()

    def _row(self, found: Sequence[Any]) -> Row:
        row_id, chain_id, sender, nonce, to, value, data, gas, state, tx_hash, number, block_hash = found
        query = "SELECT hash, raw, max_fee, tip FROM attempts WHERE row = ? ORDER BY position"
        attempts = tuple(Attempt(h, raw, int(fee), int(tip)) for h, raw, fee, tip in self._all(query, row_id))
        return Row(
            row_id, chain_id, sender, nonce, to, int(value), data, gas, state, attempts, tx_hash, number, block_hash
        )

    def _all(self, query: str, *args: Any) -> list[Any]:
        with closing(self._db.execute(query, args)) as cursor:
            return cursor.fetchall()

    def _write(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        """Do all of it or nothing, durably."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement, args in statements:
                self._db.execute(statement, args)
            self._db.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._db.execute("ROLLBACK")
            raise InvariantBroken(f"journal: {error}") from error
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _insert(row_id: str, position: int, attempt: Attempt) -> tuple[str, tuple[Any, ...]]:
    values = (attempt.hash, row_id, position, attempt.raw, str(attempt.max_fee), str(attempt.tip))
    return "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?)", values


def _lock(path: Path) -> IO[str]:
    lock = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise BadInput(f"{path}: another process holds this journal; stop it first") from None
    return lock
