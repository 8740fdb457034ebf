"""Documents of every command that writes a page, made by hand and seeded, and the pages of them."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from tidemill.networks import assumed
from tidemill.networks.bridges import exit_plans
from tidemill.studies.compare import Baseline, Column, CompareDocument, CompareRow
from tidemill.studies.forward import Forward, Window
from tidemill.studies.luck import Luck
from tidemill.studies.optimise import Judged, OptimiseDocument
from tidemill.studies.pages.backtest import result_page
from tidemill.studies.pages.compare import compare_page
from tidemill.studies.pages.exits import Way, exits_page
from tidemill.studies.pages.optimise import optimise_page
from tidemill.studies.pages.page import Page
from tidemill.studies.pages.plan import plan_page
from tidemill.studies.pages.risk import risk_page
from tidemill.studies.pages.stress import stress_page
from tidemill.studies.pages.sweep import sweep_page
from tidemill.studies.plan.asked import Asked
from tidemill.studies.plan.document import PlanDocument
from tidemill.studies.plan.doubts import Rules
from tidemill.studies.plan.opportunities import read_list
from tidemill.studies.plan.plan import plan
from tidemill.studies.risk import assess_all
from tidemill.studies.stress import Cause, StressDocument
from tidemill.studies.sweep import Plateau, SweepDocument, Trial

from .documents import realistic

START, DAY, MICRO = 1_704_412_800, 86_400, 10**6
DAY_OF = dt.date(2026, 11, 21)
HOSTILE = '</script><b onclick="x()">&amp; | `a` [x](y) *bold*'


def sweep_document(widths: int = 8, triggers: int = 3, *, title: str = "Which width?") -> SweepDocument:
    """A grid with one broad hill; the trial of the largest keep is the best."""
    axes = {"width": [200 * (at + 1) for at in range(widths)], "trigger": [100 * at for at in range(triggers)]}
    rng = random.Random("sweep")
    trials = []
    for place in range(widths * triggers):
        i, j = divmod(place, triggers)
        hill = math.exp(-(((i / widths - 0.6) * 3) ** 2) - ((j / triggers - 0.4) * 2) ** 2)
        keep = round((900 * hill - 300 + rng.random()) * MICRO)
        parameters = {"width": axes["width"][i], "trigger": axes["trigger"][j]}
        trials.append(Trial(place, parameters, keep, keep // 10**6, -150 - i, -1_350 - i, 41_000 - place, 7 + place, 1))
    ranking = sorted(range(len(trials)), key=lambda at: (-trials[at].keep, at))
    return SweepDocument(
        schema="tidemill.sweep/1",
        tool_version="0.1.0",
        title=title,
        strategy="range_reset",
        home="USDC",
        start=START,
        end=START + 60 * DAY,
        synthetic=False,
        how="grid",
        axes=axes,
        metric="keep",
        answered="exact runs",
        answered_by="the exact kernel",
        trials=trials,
        ranking=ranking,
        holding=10 * MICRO,
        plateau=Plateau(4, 400 * MICRO, 300 * MICRO),
        luck=Luck(len(trials), 500, 4_785, 2_024, 410, 416),
        forward=Forward(
            [Window(START, START + 12 * DAY, {"width": 400}, 12 * MICRO, -3 * MICRO)], 12 * MICRO, -3 * MICRO
        ),
        screened=None,
        warnings=[],
        result_hash="a" * 64,
    )


def stress_document(*, fan: bool = True) -> StressDocument:
    """Futures around a small gain, one row that swings; a document as it is written once curves are kept."""
    rng = random.Random("stress")
    causes = [
        Cause("fees", "Gross fees", 320 * MICRO, 250 * MICRO, 410 * MICRO),
        Cause("divergence", "Divergence (impermanent) loss", -180 * MICRO, -600 * MICRO, -20 * MICRO),
        Cause("l2", "Network fee: L2 execution", -2 * MICRO, -3 * MICRO, -1 * MICRO),
    ]
    times = [at * DAY // 4 for at in range(57)]
    spread = {"5": -1.6, "25": -0.7, "50": 0.0, "75": 0.7, "95": 1.6}
    worth = {
        q: [round((10_000 + 2.4 * at + width * 35 * math.sqrt(at)) * MICRO) + rng.randrange(99) for at in range(57)]
        for q, width in spread.items()
    }
    document = StressDocument(
        schema="tidemill.stress/1",
        tool_version="0.1.0",
        title="Two weeks of a range",
        strategy="range_reset",
        home="USDC",
        model="bootstrap",
        shocks=["crash:30"],
        days=14,
        worlds=400,
        capital_value=10_000 * MICRO,
        volatility_bps=6_231,
        history="a pool",
        mean=138 * MICRO,
        mean_error=4 * MICRO,
        quantiles={
            "1": -420_000_000,
            "5": -260_123_456,
            "25": 20 * MICRO,
            "50": 150 * MICRO,
            "75": 260 * MICRO,
            "95": 400 * MICRO,
        },
        var=-260_123_456,
        cvar=-340 * MICRO,
        loss_bps=1_850,
        behind_bps=3_100,
        liquidated_bps=0,
        drawdown_bps=[-310, -1_240],
        under_bps=2_420,
        failed=3,
        causes=causes,
        warnings=["the price is drawn without drift"],
        result_hash="b" * 64,
    )
    return document if not fan else _Fanned(document, SimpleNamespace(seconds=times, quantiles=worth))


class _Fanned:
    """A document with curves over time beside it, whether or not its schema has a field for them yet."""

    def __init__(self, document: StressDocument, fan: SimpleNamespace) -> None:
        self._document, self.fan = document, fan

    def __getattr__(self, name: str) -> object:
        return getattr(self._document, name)


def keeps(count: int = 400) -> list[int]:
    rng = random.Random("keeps")
    return [round(rng.gauss(138, 200) * MICRO) for _ in range(count)]


def optimise_document() -> OptimiseDocument:
    def judged(width: int, keep: int) -> Judged:
        return Judged({"width": width, "mode": "wide"}, keep * MICRO, keep, keep * 6, -80, -676, 58_000 - width)

    return OptimiseDocument(
        schema="tidemill.optimise/1",
        tool_version="0.1.0",
        title="Which width, judged",
        strategy="range_reset",
        home="WETH",
        start=START,
        cut=START + 42 * DAY,
        end=START + 60 * DAY,
        metric="keep",
        axes={"width": [200, 400, 800], "mode": ["wide"]},
        trials=[judged(200, -98), judged(400, 120), judged(800, 40)],
        best=1,
        own_inside=judged(800, 40),
        best_outside=judged(400, -15),
        own_outside=judged(800, 22),
        holding=18_000,
        luck=None,
        verdict="not better than the study's own parameters where it was judged: keep those",
        warnings=["too little to judge luck by"],
        synthetic=True,
        result_hash="c" * 64,
    )


def compare_document(*, count: int = 3) -> CompareDocument:
    names = ["A range that is reset", "Held for two months", HOSTILE, *map(str, range(20))][:count]
    columns = [
        Column(
            name, "s", ["pool"], ["base"], "exact", "diluted", "bytecode-equal", False, 10**10, k, k // 10**6, None, ""
        )
        for name, k in zip(names, (150_000_000, -20_000_000, 8_000_000, *range(20)), strict=False)
    ]
    rows = [
        CompareRow("fees", "Gross fees", "flow", [300_000_000 - at for at in range(count)]),
        CompareRow("interest", "Interest", "flow", [None, *[1_234 for _ in range(count - 1)]]),
        CompareRow("keep", "What you keep", "total", [column.keep for column in columns]),
    ]
    holding = Baseline("holding", 11_000_000, 11, "the same capital left in the wallet")
    lending = Baseline("best plain lending", None, None, "none of these studies only lends; add one")
    return CompareDocument(
        "tidemill.compare/1",
        "USDC",
        START,
        START + 60 * DAY,
        {"USDC": 10**10},
        columns,
        rows,
        [holding, lending],
        0,
        "d" * 64,
    )


POOL = {
    "project": "aave-v3",
    "symbol": "USDC",
    "tvlUsd": 5e7,
    "apyBase": 5.0,
    "apy": 5.0,
    "apyMean30d": 5.5,
    "count": 400,
}
POOLS = [
    {**POOL, "stablecoin": True, "ilRisk": "no", "chain": "Base", "pool": "a"},
    {**POOL, "stablecoin": True, "ilRisk": "no", "chain": "Arbitrum", "pool": "b", "apy": 8.0, "apyReward": 3.0},
    {
        **POOL,
        "ilRisk": "yes",
        "chain": "Optimism",
        "pool": "c",
        "symbol": "WETH-USDC",
        "project": "uniswap-v3",
        "apy": 22.0,
    },
    {**POOL, "chain": "Base", "pool": "d", "apy": 5_000.0, "project": HOSTILE},
]


def plan_document(capital: str = "10000") -> PlanDocument:
    """A real plan of a short list."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "pools.json"
        listed.write_text(json.dumps({"data": POOLS}))
        rows = read_list(listed)
    asked = Asked({"USDC": capital}, 180, "moderate", DAY_OF, {"USDC": "1", "ETH": "3000"}, {})
    return plan(rows, asked, Rules()).document


def risk_pages(subject: str) -> Page:
    found = assess_all([subject], DAY_OF, [])
    return risk_page(found, "10000", ("0.05", "15.70", "2682.37"))


def exits(source: str, target: str) -> Page:
    levels = {"ethereum": {"base_fee": assumed(5 * 10**9), "priority_fee": assumed(0)}}
    plans = exit_plans(source, target, "USDC", 10_000 * 10**6, 1_795_219_200, levels, bridge_fee_bps=4)
    ways = [Way(one, "over 4 USDC", ("gas of prove",), "0.002 ETH") for one in plans]
    return exits_page("10000 USDC", source, [target], 1_795_219_200, ways)


PAGES: dict[str, Callable[[], Page]] = {
    "sweep": lambda: sweep_page(sweep_document()),
    "sweep_large": lambda: sweep_page(sweep_document(40, 25)),
    "sweep_hostile": lambda: sweep_page(sweep_document(2, 1, title=HOSTILE)),
    "stress": lambda: stress_page(stress_document(), keeps()),
    "stress_bare": lambda: stress_page(stress_document(fan=False)),
    "optimise": lambda: optimise_page(optimise_document()),
    "compare": lambda: compare_page(compare_document()),
    "compare_many": lambda: compare_page(compare_document(count=8)),
    "plan": lambda: plan_page(plan_document()),
    "plan_small": lambda: plan_page(plan_document("1")),
    "risk": lambda: risk_pages("aave_v3@base"),
    "exits": lambda: exits("op-mainnet", "base"),
    "exits_ended": lambda: exits("polygon-zkevm", "base"),
    "result": lambda: result_page(realistic()),
}
