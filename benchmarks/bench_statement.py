"""What an account's positions earned, out of a million logs of many contracts: `python -m benchmarks bench_statement`."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.table import Row
from tidemill.market.manager_logs import TOPICS_OF_MANAGER
from tidemill.market.manifest import PoolInfo
from tidemill.market.sample import sample_dataset
from tidemill.studies.held.asked import Asked
from tidemill.studies.held.document import Portfolio
from tidemill.studies.held.files import from_files

MANAGER = "0x" + "3a" * 20
MUST_S = 10.0


def make_logs(count: int, folder: Path) -> tuple[Path, PoolInfo, str, int]:
    """Write ``count`` logs: a pool's 60 days, other pools', a manager's of other tokens, transfers of tokens.

    Returns the file, the pool, an owner of positions in it, and how many of the logs are the pool's.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from kit import raw_logs  # noqa: PLC0415

    sample = sample_dataset()
    events = sample.events.head(count // 2)
    own = pl.read_parquet(raw_logs(events, folder / "own.parquet", address=sample.pool.address))
    wide = pl.UInt32 if own["log_index"].dtype == pl.UInt32 else own["log_index"].dtype
    parts, have, number = [own], own.height, 0
    while have < count:
        number += 1
        part = own.head(count - have).with_columns((pl.col("log_index") + 10_000 * number).cast(wide))
        parts.append(_of_others(part, number))
        have += part.height
    path = folder / "logs.parquet"
    pl.concat(parts).sort("block_number", "log_index").write_parquet(path)
    moved = events.filter(pl.col("owner").is_not_null()).group_by("owner").len().sort("len", "owner")
    return path, sample.pool, str(moved["owner"][-1]), own.height


def _of_others(part: pl.DataFrame, number: int) -> pl.DataFrame:
    """Make the logs of another pool, of a manager, or of a token, in turns."""
    draw = random.Random(number)
    if number % 3 == 0:
        return part.with_columns(address=pl.lit(f"0x{draw.getrandbits(160):040x}"))
    if number % 3 == 1:
        topic = next(topic for topic, what in TOPICS_OF_MANAGER.items() if what == "collect")
        ids = pl.Series([[topic, f"0x{draw.getrandbits(24):064x}"] for _ in range(part.height)])
        return part.with_columns(address=pl.lit(MANAGER), topics=ids, data=pl.lit("0x" + "00" * 31 + "07" + "00" * 64))
    topic = next(topic for topic, what in TOPICS_OF_MANAGER.items() if what == "transfer")
    ends = pl.Series([[topic, *(f"0x{draw.getrandbits(160):064x}" for _ in range(2))] for _ in range(part.height)])
    return part.with_columns(address=pl.lit("0x" + "70" * 20), topics=ends, data=pl.lit("0x" + "00" * 31 + "09"))


def stated(path: Path, pool: PoolInfo, owner: str) -> Portfolio:
    """Do what the command does, from the file to the documents."""
    return from_files([path], Asked(address=owner), pool, manager=MANAGER)


def rows(count: int = 1_000_000) -> list[Row]:
    """Return one row: processor seconds of a whole statement, the better of two runs."""
    with tempfile.TemporaryDirectory() as folder:
        path, pool, owner, own = make_logs(count, Path(folder))
        times = []
        for _ in range(2):
            began, clock = time.process_time(), time.perf_counter()
            done = stated(path, pool, owner)
            times.append((time.process_time() - began, time.perf_counter() - clock))
    assert done.total is not None, done.unstated
    determined = [one for one in done.collects if one.due is not None]
    assert determined, "no collect is determined"
    assert all(one.possible for one in determined), "a collect does not come out"
    processor, wall = min(times)
    return [
        Row(
            f"a statement over {count:,} logs: {own:,} of its pool, {len(determined)} collects followed, "
            f"{len(done.positions)} positions",
            f"{processor:.1f} s of processor",
            f"{wall:.1f} s on the clock",
            f"<= {MUST_S:.0f} s",
            processor <= MUST_S,
        )
    ]


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
        print("  ".join(str(cell) for cell in row))
