"""Holding a classic pool's share: how much is sold first, and a whole life on the model."""

from __future__ import annotations

import random
from pathlib import Path

from msgspec import structs

from tidemill.strategies.pairs import surplus_down
from tidemill.studies.load import Loaded
from tidemill.studies.study import load_study
from tidemill.venues.uniswap_v2.rules import amount_out_down

EXAMPLE = Path(__file__).parents[2] / "examples" / "classic_pool.toml"


def test_what_is_left_after_the_sale_fits_the_reserves_after_it():
    rng = random.Random("surplus")
    for _ in range(2_000):
        x, y = (rng.randrange(10**12, 10**24) for _ in range(2))
        a = rng.randrange(10**6, x)
        b = rng.choice((0, rng.randrange(y)))
        if a * y <= b * x:
            assert surplus_down((a, b), (x, y)) == 0
            continue
        sold = surplus_down((a, b), (x, y))
        got = amount_out_down(sold, x, y) if sold else 0
        x1, y1 = x + sold, y - got
        # What would be left over of either token, against what one brings: rounding only.
        over0 = (a - sold) - (b + got) * x1 // y1
        over1 = (b + got) - (a - sold) * y1 // x1
        assert abs(over0) * 10**5 <= max(a, 10**6) + 10**5 * (x1 // y1 + 2) * 2, (a, b, x, y)
        assert abs(over1) * 10**5 <= max(a * y // x, 10**6) + 10**5 * (y1 // x1 + 2) * 2


def test_the_share_is_bought_once_kept_and_left():
    study = load_study(EXAMPLE)
    document = Loaded(structs.replace(study, end=study.start.replace(day=8))).run().document
    counts = {row.verb: (row.count, row.failed) for row in document.costs}
    assert counts == {"add_liquidity": (1, 0), "remove_liquidity": (1, 0), "swap_exact_in": (2, 0)}
    rows = {row.key: row.value for row in document.waterfall}
    assert rows["fees"] > 0 > rows["swaps"]
    assert abs(document.unexplained) <= document.unexplained_bound


def test_marked_at_the_end_it_sells_nothing():
    study = load_study(EXAMPLE)
    document = Loaded(structs.replace(study, end=study.start.replace(day=3), exit="mark")).run().document
    assert {row.verb for row in document.costs} == {"add_liquidity", "swap_exact_in"}
