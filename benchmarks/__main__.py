"""``make bench``: one table, ratios measured in one run, medians."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.table import Row

PARTS = (
    "bench_v3",
    "bench_v2",
    "bench_lending",
    "bench_index",
    "bench_study",
    "bench_sweep",
    "bench_stress",
    "bench_plan",
    "bench_networks",
    "bench_farms",
    "bench_statement",
)


def main() -> int:
    """Print the table; the exit code does not depend on speed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}")
    options = parser.parse_args()
    table: list[Row] = []
    for part in options.parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        table += importlib.import_module(f"benchmarks.{part}").rows()
    widths = [max(len(str(row[i])) for row in table) for i in range(4)]
    for row in table:
        verdict = {True: "yes", False: "NO", None: ""}[row.reached]
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row[:4], widths, strict=True)), verdict)
    return 0


if __name__ == "__main__":
    sys.exit(main())
