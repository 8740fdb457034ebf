"""Half and double without playing again: the figures are those of the played runs, and where they might not be it is played."""

from __future__ import annotations

from pathlib import Path

import pytest

import tidemill
from tidemill.market import data_root
from tidemill.studies.backtest import HALF_AND_DOUBLE, Backtest
from tidemill.studies.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.toml"))

STRATEGY = """
from msgspec import Struct
from tidemill.interfaces import All, At, Decision, Intent, Limits, Plan

class Own(Struct, frozen=True):
    vault: str
    asset: str
    share: str

    def decide(self, view, memo, news):
        if view.why == "end":
            redeem = Plan((Intent(self.vault, "redeem", {"shares": All(self.share)}),))
            return Decision((redeem,) if view.balances.get(self.share) and BODY else ())
        if view.why == "start":
            return Decision((Plan((Intent(self.vault, "deposit", {"assets": AMOUNT}LIMITS),)),))
        return Decision(wake=(At(view.at["op-mainnet"].time + 86_400),))
"""


def half_and_double(path: Path, *, either: bool = False) -> tuple[list[int | None], list[int]]:
    """All assumptions of a study at half and double (``either``: at one of them, by turns): by the run's notes, and played."""
    backtest = Backtest(prepare(tidemill.load(path).study))
    played = backtest.play(curves=True)
    keys = [*played.costing.used, *(f"price:{symbol}" for symbol in backtest.study.prices)]
    ratios = [(HALF_AND_DOUBLE[at % 2],) if either else HALF_AND_DOUBLE for at in range(len(keys))]
    scales = [{key: ratio} for key, some in zip(keys, ratios, strict=True) for ratio in some]
    if not scales:
        pytest.skip(f"{path.name} assumes nothing: its data carry every fee and price")
    told = [backtest.keep_by_notes(played, scale) for scale in scales]
    return told, [backtest.keep(backtest.play(scale=scale).outcomes) for scale in scales]


@pytest.mark.parametrize("either", [True, pytest.param(False, marks=pytest.mark.long)], ids=["either", "both"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_keeps_by_its_notes_what_it_keeps_played(name: str, either: bool) -> None:
    if name == "real_day" and data_root() is None:
        pytest.skip("TIDEMILL_DATA is not set and ../shared/data is not there")
    path = ROOT / "examples" / f"{name}.toml"
    told, played = half_and_double(path, either=either)
    assert len(set(played)) > 1  # the assumptions matter, so equal figures say something
    if "compound" in name or name in (
        "lending_ladder",
        "network_hopper",
        "relayer_fortnight",
        "delegate_strk",
    ):  # they act when it is worth its cost, or put all there is to work: other costs, other decisions
        assert all(found in (None, true) for found, true in zip(told, played, strict=True))
    else:
        assert told == played


def study(tmp_path: Path, *, amount: str, limits: str = "", body: str = "True", eth: str = "0.05") -> Path:
    text = (ROOT / "examples" / "vault_farm.toml").read_text()
    own = STRATEGY.replace("AMOUNT", amount).replace("LIMITS", limits).replace("BODY", body)
    (tmp_path / "own.py").write_text(own)
    text = text.replace('strategy = "deposit_and_harvest"', 'strategy = "own.py:Own"').replace(
        'ETH = "0.01"', f'ETH = "{eth}"'
    )
    kept = [line for line in text.splitlines() if not line.startswith("claim_at")]
    (tmp_path / "study.toml").write_text("\n".join(kept))
    return tmp_path / "study.toml"


FEE_ROWS = slice(0, 8)


def test_notes_serve_where_costs_decide_nothing(tmp_path):
    told, played = half_and_double(study(tmp_path, amount="10**9"))
    assert told == played


@pytest.mark.parametrize(
    "case",
    [
        {"amount": "10**9", "limits": ", Limits(max_fee=10**17)"},
        {"amount": "10**9", "body": "view.balances['ETH@op-mainnet'] // 10**9 % 2"},
        {"amount": "10**6 + view.fee(Intent(self.vault, 'deposit', {'assets': 10**6})).total % 10**6"},
        {"amount": "10**9", "eth": "0.000002"},
    ],
    ids=["max_fee", "balance", "fee", "short"],
)
def test_notes_are_refused_where_costs_decide_something(tmp_path, case):
    told, played = half_and_double(study(tmp_path, **case))
    assert any(found is None for found in told[FEE_ROWS])
    assert all(found in (None, true) for found, true in zip(told, played, strict=True))
