"""Write the dated rates of ``venues/aave_v3/rates.toml`` from a table of daily snapshots: figures, each with its day.

``python tools/make_rates.py aave_v3_daily.parquet``: for each network and asset that tidemill has facts about, what the supply
index grew by over the file's last 30 days, simple and by the year, as ``tidemill market rates`` reckons it. The table itself
stays where it is. ``--check`` writes nothing and exits with 1 where the file is not current.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from tidemill.market.rates import read_rates
from tidemill.market.rates_survey import Yearly, survey
from tidemill.studies.plan.opportunities import CHAINS

TARGET = Path(__file__).resolve().parents[1] / "src" / "tidemill" / "venues" / "aave_v3" / "rates.toml"
DAYS = 30
LEAST_PPM = 1_000
"""Less is no income: a tenth of a per cent."""
ASSETS = ("USDC", "USDT", "USDT0", "USD₮0", "DAI", "USDS", "GHO", "EURC", "WETH", "WBTC", "cbBTC")
HEAD = """# What suppliers to Aave v3 earned: written by tools/make_rates.py from daily snapshots of every reserve (MIT licence).
# A rate of a lending market is gone tomorrow: `tidemill plan` leaves out what is too old for its day.
about = "Aave v3's dated supply rates"

[facts]
"""
SOURCE = "daily snapshots of Aave v3 reserves on 13 networks, by tools/make_rates.py"


def main() -> int:
    """Write the file, or check that it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    text = written(given.table)
    if given.check:
        return 0 if TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


def written(table: Path) -> str:
    """Return the file's text."""
    read = read_rates(table)
    since = int(read.frame["at"].max()) - DAYS * 86_400  # type: ignore[arg-type]
    late = replace(read, frame=read.frame.filter(pl.col("at") >= since))
    lines = [_line(one) for one in survey(late).reserves if _told(one)]
    return HEAD + "\n".join(sorted(lines)) + "\n"


def _told(one: Yearly) -> bool:
    if one.network not in CHAINS or one.asset not in ASSETS or one.frozen or one.paused or one.suspect:
        return False
    return one.per_year_ppm is not None and one.per_year_ppm >= LEAST_PPM


def _line(one: Yearly) -> str:
    assert one.per_year_ppm is not None
    first, last = (dt.datetime.fromtimestamp(at, dt.UTC).date() for at in (one.first, one.last))
    note = f"the supply index's growth from {first}, simple, by the year"
    fields = {
        "value": one.per_year_ppm // 100,
        "unit": '"bps a year"',
        "as_of": last,
        "source": f'"{SOURCE}"',
        "confidence": '"measured"',
        "status": '"live"',
        "note": f'"{note}"',
    }
    told = ", ".join(f"{key} = {value}" for key, value in fields.items())
    return f'"{CHAINS[one.network]}.{one.asset.replace("₮", "T")}" = {{ {told} }}'


if __name__ == "__main__":
    sys.exit(main())
