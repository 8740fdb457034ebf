"""``make bench-peers``: other people's tools and ours on the same work, in one run; what cannot run says why."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import work
from benchmarks.peers.install import PEERS, Missing, installed

HERE = Path(__file__).parent
HEAD = ("work", "tool", "version", "licence", "measured", "against the exact answer", "time against ours")
OURS = "tidemill"


def ran(command: Sequence[str], limit_s: int) -> dict[str, Any]:
    """Run an adapter in a process of its own and return what it printed.

    Raises
    ------
    Missing : it failed or took too long; the message is its last line.
    """
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit_s)
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise Missing(f"stopped after {limit_s} s") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"failed: {(error.stderr.strip().splitlines() or ['no reason given'])[-1]}") from None
    except (ValueError, IndexError):
        raise Missing("failed: it printed no result") from None
    return said


def wrong_amounts(found: list[list[int]], exact: list[list[int]]) -> str:
    """Say how many of the swaps' amounts differ from the exact ones, and by how much at most."""
    off = [
        max(abs(a - b) / max(abs(b), 1) for a, b in zip(*pair, strict=True)) for pair in zip(found, exact, strict=True)
    ]
    differ = sum(part > 0 for part in off)
    return f"{differ:,} of {len(off):,} swaps differ" + (f", by up to {max(off):.1%}" if differ else "")


def wrong_fees(found: list[int], exact: list[int]) -> str:
    """Say by how much fees of the wide and the narrow position differ from the exact ones."""
    wide, narrow = (f"{part / truth - 1:+.2%}" for part, truth in zip(found, exact, strict=True))
    return f"fees of the wide position {wide}, narrow {narrow}"


def main() -> int:
    """Print one table; the exit code does not depend on what a peer does."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--swaps", type=int, default=24_000, help="swaps of the first part")
    parser.add_argument("--minutes", type=int, default=525_600, help="bars of the second part")
    parser.add_argument("--limit", type=int, default=1800, help="seconds a tool may take for one part")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work.write_swaps(folder, options.swaps)
        work.write_year(folder, options.minutes)
        exact, from_events = work.write_fees(folder)
        titles = {
            "swaps": f"{options.swaps:,} exact v3 swaps, fee 3000",
            "year": f"{options.minutes:,} minute bars, weekly reset",
            "fees": "two positions over 7,200 minute bars",
        }
        table = [HEAD]
        for kind, title in titles.items():
            ours = ran([sys.executable, "-m", "benchmarks.peers.run_tidemill", kind, name], options.limit)
            tools = [(OURS, "", "Apache-2.0", ours)]
            for peer in (peer for peer in PEERS if kind in peer.work):
                print(f"{peer.package}: {title} …", file=sys.stderr, flush=True)
                try:
                    command = [str(installed(peer)), "-I", str(HERE / peer.adapter), kind, name]
                    tools.append((peer.package, peer.version, peer.licence, ran(command, options.limit)))
                except Missing as why:
                    table.append((title, peer.package, peer.version, peer.licence, str(why), "", ""))
            for tool, version, licence, said in tools:
                amount = {"swaps": options.swaps, "year": options.minutes, "fees": 2 * 7_200}[kind]
                measured = (
                    f"{said['seconds']:.2f} s = {amount / said['seconds']:,.0f}/s, {said['peak_kb'] / 1024:,.0f} MB"
                )
                error = {
                    "swaps": lambda said=said, ours=ours: wrong_amounts(said["amounts"], ours["amounts"]),
                    "year": lambda: "bars have no exact answer",
                    "fees": lambda said=said: wrong_fees(said["fees"], exact),
                }[kind]()
                ratio = "" if tool == OURS else f"{said['seconds'] / ours['seconds']:,.0f} x"
                table.append((title, tool, version, licence, measured, error, ratio))
            if kind == "fees":
                table.append(
                    (title, OURS, "", "Apache-2.0", "from events instead of bars", wrong_fees(from_events, exact), "")
                )
    widths = [max(len(row[column]) for row in table) for column in range(len(HEAD))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
