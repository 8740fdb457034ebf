"""A bridge's pool in a world: shares are of all of it, what is out cannot leave, fees are income when repaid."""

from __future__ import annotations

import datetime as dt
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Block, Result
from tidemill.networks.liquidity import Pool, RateModel, pool_fee_up
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import Study, load_study
from tidemill.venues.bridge_pool.model import BridgePoolModel
from tidemill.venues.kinds import kind

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "bridge_liquidity.toml"
ASSET, SHARE, PERCENT = "USDC@ethereum", "bUSDC@ethereum", 10**16
RATES = RateModel(65 * PERCENT, 0, 8 * PERCENT, 100 * PERCENT)


class World:
    """A pool and a book."""

    def __init__(self) -> None:
        self.model = BridgePoolModel()
        self.state = self.model.init(
            {"account": "pool", "asset": ASSET, "share": SHARE, "rates": RATES, "terms": 52, "loans": {}}
        )
        self.book: dict[tuple[str, str], int] = {
            (ASSET, "me"): 10**12,
            (ASSET, "others"): 10**14,
            (ASSET, "bridge"): 10**15,
        }
        self.block = Block(time=0, number=0)

    def balance(self, token: str, account: str) -> int:
        return self.book.get((token, account), 0)

    def act(self, sender: str, verb: str, **args: int) -> Result:
        self.sender = sender
        result = self.model.apply(self.state, Action(verb, args), self)
        for moved in result.transfers:
            for who, sign in ((moved.source, -1), (moved.target, 1)):
                self.book[moved.token, who] = self.balance(moved.token, who) + sign * moved.amount
            assert moved.source == "zero" or self.balance(moved.token, moved.source) >= 0
        return result


def test_a_transfer_pays_the_rate_models_fee_and_it_is_every_shares():
    world = World()
    world.act("others", "deposit", assets=9 * 10**12)
    world.act("me", "deposit", assets=10**12)
    sent = world.act("bridge", "advance", loan=1, amount=10**12).amounts
    assert sent["fee"] == pool_fee_up(Pool(10**13, 0), RATES, 10**12) and sent["paid"] == 10**12 - sent["fee"]
    assert world.model.read(world.state, "lent") == sent["paid"]
    assert world.model.read(world.state, "utilisation", 10**13 - sent["paid"]) == sent["paid"] * 10**18 // 10**13
    more = world.act("bridge", "advance", loan=2, amount=10**12).amounts
    assert more["fee"] == pool_fee_up(Pool(10**13 - sent["paid"], sent["paid"]), RATES, 10**12) > 2 * sent["fee"]
    for loan in (1, 2):
        world.act("bridge", "repay", loan=loan)
    got = world.act("me", "redeem", shares=world.balance(SHARE, "me")).amounts["assets"]
    assert 0 <= 10**12 + Fraction(sent["fee"] + more["fee"], 10) - got < 3


def test_what_is_out_cannot_leave_until_it_is_repaid():
    world = World()
    world.act("me", "deposit", assets=10**12)
    world.act("bridge", "advance", loan=1, amount=6 * 10**11)
    shares = world.balance(SHARE, "me")
    with pytest.raises(Revert, match="the pool's money is out"):
        world.act("me", "redeem", shares=shares)
    world.act("me", "redeem", shares=shares // 3)
    world.act("bridge", "repay", loan=1)
    world.act("me", "redeem", shares=world.balance(SHARE, "me"))
    assert world.balance(SHARE, "me") == 0 and world.balance(ASSET, "me") > 10**12


@pytest.mark.parametrize(
    ("sender", "verb", "args", "reason"),
    [
        ("bridge", "advance", {"loan": 1, "amount": 10**12 + 1}, "the pool has not as much"),
        ("bridge", "advance", {"loan": 1, "amount": 0}, "the pool has not as much"),
        ("bridge", "repay", {"loan": 7}, "no such loan"),
        ("others", "redeem", {"shares": 1}, "not as many shares"),
        ("me", "stake", {"assets": 1}, "no verb 'stake'"),
    ],
)
def test_refusals(sender: str, verb: str, args: dict[str, int], reason: str):
    world = World()
    world.act("me", "deposit", assets=10**12)
    with pytest.raises(Revert, match=reason):
        world.act(sender, verb, **args)


def test_random_lives_never_make_a_share_worth_less():
    draws = random.Random(8)
    for _ in range(40):
        world, loans, number = World(), list[int](), 0
        world.act("others", "deposit", assets=draws.randrange(10**9, 10**13))
        worth = Fraction(1)
        for _ in range(60):
            verb = draws.choice(["advance", "advance", "repay", "deposit", "redeem"])
            try:
                if verb == "advance":
                    number += 1
                    world.act("bridge", "advance", loan=number, amount=draws.randrange(1, 10**12))
                    loans.append(number)
                elif verb == "repay" and loans:
                    world.act("bridge", "repay", loan=loans.pop(draws.randrange(len(loans))))
                elif verb == "deposit":
                    world.act("me", "deposit", assets=draws.randrange(1, 10**9))
                elif verb == "redeem" and world.balance(SHARE, "me"):
                    world.act("me", "redeem", shares=draws.randrange(1, world.balance(SHARE, "me") + 1))
            except Revert:
                continue
            pot = world.balance(ASSET, "pool") + world.state.lent
            now = Fraction(pot + 1, world.state.total_shares + 1)
            assert now >= worth
            worth = now
        assert world.state.lent == sum(paid for paid, _ in world.state.loans.values())


# --- in a study ---------------------------------------------------------------------------------------------------------


def changed(days: int = 60, **params: Any) -> Study:
    study = load_study(EXAMPLE)
    spec = study.venues["pool"]
    assert study.start is not None
    end = study.start + dt.timedelta(days=days)
    return msgspec.structs.replace(
        study, end=end, venues={"pool": msgspec.structs.replace(spec, params={**spec.params, **params})}
    )


def growth(study: Study) -> int:
    return next(row.value for row in Backtest(prepare(study)).main_run()[0].waterfall if row.key == "growth")


def test_the_row_is_ones_part_of_the_fees_that_came_in():
    study = changed()
    document, _ = Backtest(prepare(study)).main_run()
    prepared = prepare(study)
    stage: Any = prepared.stages()[0]
    stage.advance(prepared.placed["pool"].make().script[-1].block)
    pot = stage.holdings.held[ASSET, "pool:pool"] + stage.state.lent
    fees = pot - 20_000_000 * 10**6
    rows = {row.key: row for row in document.waterfall}
    # 20,000 in 20,020,000; with them in it a little less is asked of each transfer
    assert fees / 1_001 * 0.98 < rows["growth"].value < fees / 1_001
    assert document.positions and abs(document.unexplained) <= document.unexplained_bound


def test_more_liquidity_earns_less_each_and_no_transfers_earn_nothing():
    few, many = (growth(changed(tvl=tvl)) for tvl in (20_000_000, 40_000_000))
    assert 0 < many * 2 < few
    assert growth(changed(days=10, per_day=0)) == 0


def test_the_note_says_how_much_is_out():
    notes = prepare(changed()).placed["pool"].notes()
    assert any("keep 42 % of others' liquidity out" in note for note in notes)
    params = kind("bridge_pool").params
    assert [params[f"{name}_bps"][0] for name in ("kink", "base", "slope1", "slope2")] == [6_500, 0, 800, 10_000]


def test_the_page_says_what_the_example_gives():
    document = Backtest(prepare(load_study(EXAMPLE))).main_run()[0]
    rows = {row.key: row.value for row in document.waterfall}
    page = (EXAMPLE.parents[1] / "docs" / "venues" / "bridge_pool.md").read_text(encoding="utf-8")
    assert document.headline.per_year_bps is not None
    told = (f"{rows['growth'] / 10**6:.2f} USDC", f"{-(rows['l2'] + rows['exit']) / 10**6:.2f} of gas")
    assert all(text in page for text in (*told, f"{document.headline.per_year_bps / 100:.2f} % a year"))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"share": "USDC"}, "params.share: USDC: a share is a token of its own"),
        ({"asset": "DAI"}, "DAI"),
        ({"kink_bps": 10_000}, "params.kink_bps"),
        ({"tvl": 0}, "params.tvl"),
    ],
)
def test_bad_words_are_one_line(params: dict[str, Any], says: str):
    with pytest.raises(BadInput) as caught:
        prepare(changed(**params))
    assert says in str(caught.value) and "\n" not in str(caught.value)
