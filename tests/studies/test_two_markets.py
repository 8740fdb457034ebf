"""A study over two recorded markets: their futures are drawn together, on one clock, and played."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit import STUDY, changed, write_study
from tidemill.engine.rng import array_stream
from tidemill.market import PoolInfo, Token, write_dataset
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.generate import generate
from tidemill.studies.futures import Futures
from tidemill.studies.prepare import prepare
from tidemill.studies.shocks import parse_shocks
from tidemill.studies.stress import stress
from tidemill.studies.study import load_study

TICK = math.log(1.0001)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pools of two days on one network whose outside prices share four fifths of their moves."""
    folder = tmp_path_factory.mktemp("two")
    steps = 2 * 86_400 // 12
    rng = array_stream("two markets")
    shared, own = rng.normal(0, 3_700, steps), rng.normal(0, 3_700, (2, steps))
    for place, (symbol, address) in enumerate((("WETH", "05"), ("wstETH", "06"))):
        spec = FlowSpec(
            pool=PoolInfo(10, "op-mainnet", "0x" + address * 20, Token("USDC", 6), Token(symbol, 18), 500, 10),
            providers=(Provider(200_000_000_000_000_000, 887_270),),
            days=2,
            seed=f"two {symbol}",
        )
        moves = 0.9 * shared + math.sqrt(1 - 0.81) * own[place]
        path = np.rint(np.cumsum(moves)).astype(np.int64) + 1000 * spec.start_tick
        write_dataset(generate(spec, path), folder / symbol)
    study: Any = changed("venues.pool.dataset", "WETH", STUDY)
    study["venues"]["other"] = {"kind": "uniswap_v3", "dataset": "wstETH"}
    study["parameters"]["venue"] = "pool"
    return write_study(folder, study, "two.toml")


def looks(market: Any) -> Any:
    tape = market.tape()
    first, last = market.span()
    at = np.arange(first, last, 600)
    return np.diff(tape.tick[np.maximum(np.searchsorted(tape.time, at, side="right") - 1, 0)].astype(float)) * TICK


@pytest.mark.parametrize("model", ["bootstrap", "gbm"])
def test_prices_move_together_as_they_did(two: Path, model: Any) -> None:
    made = Futures(prepare(load_study(two)), model, parse_shocks(["crash:30"]), days=4)
    assert made.joint is not None
    told = float(made.joint.correlation[0, 1])
    assert 0.6 < told < 0.95
    future = made.make(3)
    pool, other = (future.markets[name] for name in ("pool", "other"))
    assert abs(pool.span()[0] - other.span()[0]) < 3_600 and pool.tape().block[0] < other.tape().block[-1]
    drawn = made.joint.draw(20_000, array_stream("check"))
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(told, abs=0.05)
    one, two_ = looks(pool), looks(other)
    size = min(len(one), len(two_))
    assert np.corrcoef(one[:size], two_[:size])[0, 1] > 0.5
    # both fall at once, for both volatile tokens are priced in the home asset
    fallen = [int(np.argmax(np.convolve(moves, np.ones(6), "valid"))) for moves in (one, two_)]
    assert abs(fallen[0] - fallen[1]) <= 2


def test_such_a_study_is_stressed(two: Path) -> None:
    found = stress(two, worlds=2, model="gbm", days=1)
    assert found.document.worlds == 2 and any("correlation of WETH/USDC" in line for line in found.document.diagnostics)
    assert found.rows[0]["keep"] != found.rows[1]["keep"]
