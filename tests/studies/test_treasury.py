"""A treasury over a lending market, a vault and a pool: weights hold over the real models, what is full or empty is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit import changed, write_study
from studies.test_portfolio import AAVE, VAULT
from tidemill.errors import BadInput
from tidemill.interfaces import Mark, Recorded
from tidemill.ledger.holdings import holdings
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study

USDC, WETH = "USDC@op-mainnet", "WETH@op-mainnet"
STUDY: dict[str, Any] = {
    "title": "A treasury",
    "network": "op-mainnet",
    "strategy": "treasury_split",
    "home": "USDC",
    "capital": {"USDC": "2000", "ETH": "0.1"},
    "parameters": {
        "asset": "USDC",
        "band_bps": 20,
        "every": 3_600,
        "targets": [
            {"token": "USDC", "weight_bps": 4_000, "venue": "aave"},
            {"token": "USDC", "weight_bps": 3_000, "venue": "savings", "share": "sUSDC"},
            {"token": "WETH", "weight_bps": 2_000, "market": "pool"},
        ],
    },
    "venues": {"pool": {"kind": "uniswap_v3", "dataset": "small"}, "aave": AAVE, "savings": VAULT},
}


def weights(mark: Mark) -> dict[str, float]:
    """Parts of all but gas: what is lent, in the vault, in WETH, idle."""
    held = holdings(mark)
    price = mark.prices[WETH]
    parts = {"WETH": held.wallet.get(WETH, 0) * price.num / price.den, "idle": float(held.wallet.get(USDC, 0))}
    for claim in held.claims.values():
        parts[claim.venue] = parts.get(claim.venue, 0.0) + claim.principal.get(USDC, 0)
    whole = sum(parts.values())
    return {name: part / whole for name, part in parts.items()}


def test_the_weights_hold_over_real_models(folder: Path):
    outcomes = Backtest(prepare(load_study(write_study(folder, STUDY, "treasury.toml")))).play().outcomes
    steps = [line for line in outcomes.record if isinstance(line, Recorded) and line.phase == "run"]
    first = max(line.at.time for line in steps[:3])
    entered = next(mark for mark in outcomes.marks if mark.why == "decision" and mark.time >= first)
    assert weights(entered) == pytest.approx({"aave": 0.4, "savings": 0.3, "WETH": 0.2, "idle": 0.1}, abs=1e-3)
    assert len({line.plan for line in steps}) > 1  # put right at least once
    looks = [mark for mark in outcomes.marks if mark.why == "decision" and mark.time > first]
    moved = [abs(weights(mark)["WETH"] - 0.2) for mark in looks[:-4]]
    assert max(moved) < 0.02
    assert set(outcomes.marks[-1].balances) == {USDC, "ETH@op-mainnet"}
    fall = waterfall(post(outcomes.record, outcomes.marks))
    assert abs(fall.unexplained) <= fall.bound


def test_contradictions_name_their_field(folder: Path):
    for path, value, line in (
        ("parameters.targets", [], "parameters.targets: "),
        (
            "parameters.targets",
            [{"token": "WETH", "weight_bps": 1}],
            "parameters.targets.0.market: WETH@op-mainnet needs",
        ),
        ("parameters.targets", [{"token": "USDC", "weight_bps": 10_001}], "parameters.targets[0].weight_bps"),
        ("parameters.band_bps", 5, "parameters.band_bps: expected a whole number >= 10"),
    ):
        with pytest.raises(BadInput) as caught:
            Backtest(prepare(load_study(write_study(folder, changed(path, value, STUDY), "bad.toml"))))
        assert line in str(caught.value)
