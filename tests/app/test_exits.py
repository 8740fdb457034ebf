"""`tidemill exits`: ways compared, dated steps, what is unknown, and one line for what is wrong."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from kit import tidemill
from networks.routes_by_hand import INTO, OUT
from tidemill import networks
from tidemill.app.exits import DECIMALS
from tidemill.app.exits import _span as span

ASK = ("exits", "--from", "op-mainnet", "--amount", "10000 USDC", "--on", "2026-11-21")
PRICED = ("--gas-price", "5", "--gas-price", "op-mainnet=0.001", "--blob-gas-price", "1", "--price", "ETH=3000")


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"op-mainnet": (OUT, replace(OUT, id="old bridge", blocked="closed for good")), "base": (INTO,)}
    for family in {type(networks.get(name)) for name in ("op-mainnet", "base", "ethereum", "mode")}:
        monkeypatch.setattr(family, "routes", lambda self, time: found.get(self.name, ()))


def routes(*more: str) -> list[dict]:
    said = tidemill(*ASK, *more, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)["routes"]


def test_out_to_l1_is_dated_and_priced():
    out = routes(*PRICED)[0]
    assert (out["first"], out["usual"], out["worst"]) == ("2026-11-28 00:00", "2026-11-28 01:00", None)
    assert out["unbounded"] == ["prove"]
    assert [stage["usual_date"] for stage in out["stages"]] == [
        "2026-11-21 00:00",
        "2026-11-21 01:00",
        "2026-11-28 01:00",
    ]
    assert out["l1_gas"] == 500_000
    assert out["keep_on_l1_wei"] == 500_000 * 5 * 10**9
    assert 7_500_000 < out["cost"] < 7_600_000  # 0.0025 ETH on Ethereum, a little on OP Mainnet


def test_the_comparison_on_a_terminal():
    said = tidemill(*ASK, "--to", "base", *PRICED, "--bridge-fee-bps", "4")
    assert said.code == 0, said.err
    assert "10000 USDC from op-mainnet to base, begun 2026-11-21 00:00 UTC" in said.out
    assert "withdrawal + deposit" in said.out
    assert "blocked: closed for good" in said.out
    assert "0.00295 ETH (590,000 gas)" in said.out
    assert "4 bps as given" in said.out
    assert "no bound" in said.out
    assert "if it fails:" in said.out


def test_what_is_unknown_is_named_and_never_0():
    plans = routes("--to", "base")
    assert all(plan["cost"] is None for plan in plans)
    assert plans[0]["keep_on_l1_wei"] is None
    said = tidemill(*ASK, "--to", "base").out
    assert "no gas price of ethereum given" in said
    assert "the bridge's fee" in said
    without_price = tidemill(*ASK, "--gas-price", "5").out
    assert "a price of ETH (--price ETH=…)" in without_price


def test_ether_needs_no_price_of_ether():
    said = tidemill("exits", "--from", "op-mainnet", "--amount", "2 ETH", "--on", "2026-11-21", *PRICED[:6], "--json")
    out = json.loads(said.out)["routes"][0]
    assert out["cost"] > out["keep_on_l1_wei"] == 25 * 10**14


def test_a_halted_way_is_shown_blocked_beside_one_that_is_open(monkeypatch):
    shut = lambda self, time: (replace(OUT, blocked="halted"),) if self.name == "op-mainnet" else ()  # noqa: E731
    monkeypatch.setattr(type(networks.get("op-mainnet")), "routes", shut)
    said = tidemill(*ASK, "--to", "ethereum")
    assert "blocked: halted" in said.out
    open_still = "liquidity bridge" in said.out
    assert open_still
    assert said.code == 0


def test_several_targets_are_compared_in_one_table():
    said = tidemill(*ASK, "--to", "base", "--to", "ethereum", *PRICED)
    assert said.code == 0, said.err
    assert "10000 USDC from op-mainnet to base or ethereum, begun" in said.out
    head = next(line for line in said.out.splitlines() if line.startswith("to "))
    assert head.split()[:2] == ["to", "way"]
    targets = [route["target"] for route in routes("--to", "base", "--to", "ethereum")]
    assert targets == ["base"] * 3 + ["ethereum"] * 3
    assert {route["target"] for route in routes()} == {"ethereum"}  # where nothing is said


def test_a_pools_fee_and_its_fill_times_are_yours_to_tell():
    told = ("--bridge-pool", "600000/400000", "--filled", "50%=2", "--filled", "99%=60", "--filled", "99.5%=3600")
    fast = routes("--to", "base", *PRICED, *told)[-1]
    assert fast["fee"] == 9_358_922  # as docs/exits.md has it
    assert (fast["fills"], fast["fails_bps"]) == ([[5_000, 2], [9_900, 60], [9_950, 3_600]], 50)
    assert fast["mean_s"] == 220  # 0.5 * 2 + 0.49 * 60 + 0.005 * 3,600 + 0.005 * 34,200 = 219.4, up
    assert fast["stages"][1]["wait"]["usual"] == 2
    said = tidemill(*ASK, "--to", "base", *told).out
    assert "by the rule of its pool, 40.00 % of it out before" in said
    assert "filled: 50 % within 2 s, 99 % within 60 s, 99.5 % within 60 min; at most 0.5 % not by the deadline" in said
    slow = routes("--to", "base", "--filled", "80%=900")[-1]
    assert slow["usual"] == "2026-11-21 00:15"  # at least half were as soon as that
    short = routes("--to", "base", "--bridge-pool", "9999/0")[-1]
    assert (short["blocked"], short["fee"]) == ("the pool does not have that much left", None)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--bridge-pool", "600000"), "bridge_pool: '600000' is not LIQUID/LENT"),
        (("--bridge-pool", "0/0"), "bridge_pool: '0/0': an empty pool"),
        (("--bridge-pool", "1/x"), "bridge_pool: '1/x': 'x' is not a decimal amount"),
        (("--bridge-pool", "1/1", "--bridge-fee-bps", "4"), "bridge_pool: give the bridge's own quote"),
        (("--filled", "2 s"), "filled: '2 s' is not SHARE%=SECONDS"),
        (("--filled", "101%=2"), "filled: shares must rise within 0 and 100 %"),
        (("--filled", "90%=30", "--filled", "50%=2"), "filled: shares must rise"),
        (("--to", "base", "--to", "base"), "to: base, base: the same network twice"),
        (("--to", "op-mainnet"), "to: op-mainnet is where the money is already"),
        (("--to", "bass"), "to: unknown network 'bass'; did you mean 'base'"),
        (("--amount", "10000"), "amount: '10000' is no amount of a token"),
        (("--amount", "0 USDC"), "amount: 0 is nothing to move"),
        (("--amount", "1 FOO"), "amount: decimals of FOO are not known here"),
        (("--amount", "1 FOO:99"), "amount: no token has 99 decimals"),
        (("--amount", "0.0000001 USDC"), "amount: '0.0000001' has more than the 6 decimals"),
        (("--amount=-5 USDC",), "amount: -5 is nothing to move"),
        (("--on", "yesterday"), "on: 'yesterday' is neither"),
        (("--on", "2001-01-01"), "on: op-mainnet: nothing is known at time"),
        (("--gas-price", "cheap"), "gas_price: 'cheap': 'cheap' is not a decimal amount"),
        (("--gas-price", "0"), "gas_price: '0' is no price"),
        (("--gas-price", "op-mainet=1"), "gas_price: unknown network 'op-mainet'"),
        (("--gas-price", "1e60"), "gas_price: '1e60' is no price"),
        (("--blob-gas-price", "-1"), "blob_gas_price: '-1' is no price"),
        (("--bridge-fee-bps", "10000"), "bridge_fee_bps: 10000 is not between 0 and 9999"),
        (("--gas", "prove"), "gas: 'prove' is not STEP=GAS"),
        (("--gas", "prove=0"), "gas: 'prove=0' is not STEP=GAS"),
        (("--gas", "proof=9"), "gas: unknown step 'proof'; valid: deposit with"),
        (("--price", "3000"), "price: '3000' is not SYMBOL=PRICE"),
        (("--gas", "prove=\u00b2"), "gas: 'prove=\u00b2' is not STEP=GAS"),  # a digit to some, no number to any
        (("--gas", "prove=5", "--gas", "prove=6"), "gas: prove is given twice"),
        (("--gas-price", "op-mainnet=1", "--gas-price", "op-mainnet=2"), "gas_price: op-mainnet is given twice"),
        (("--price", "BTC=1", "--price", "BTC=2"), "price: BTC is given twice"),
    ],
)
def test_what_is_wrong_is_one_line(more, says):
    given, option = [*ASK], more[0].partition("=")[0]
    if option in given:
        at = given.index(option)
        given[at : at + 2] = []
    said = tidemill(*given, *more)
    assert said.code == 2
    assert said.out == ""
    assert says in said.line


def test_the_decimals_of_every_network_s_own_token_are_known() -> None:
    assert {networks.get(name).native_token for name in networks.names()} <= DECIMALS.keys()


def test_without_a_way_of_their_own_it_says_so():
    assert "no way of the networks' own is described" in tidemill(*ASK, "--to", "mode").out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--on", "9999-12-31"), "on: '9999-12-31': expected a day before the year 9999"),
        (("--amount", "1e400 USDC"), "amount: 1e400 is absurdly large"),
    ],
)
def test_what_no_date_or_amount_can_hold_is_one_line(words: tuple[str, ...], line: str) -> None:
    asked = {"--from": "op-mainnet", "--amount": "1 USDC", "--on": "2026-11-21"} | {words[0]: words[1]}
    said = tidemill("exits", *(word for pair in asked.items() for word in pair))
    assert said.code == 2 and line in said.line and not said.out


@pytest.mark.parametrize(
    ("seconds", "shown"), [(34_200, "9 h 30 min"), (28_800, "8 h"), (9_000, "2 h 30 min"), (60, "60 s")]
)
def test_half_an_hour_is_not_cut_off(seconds: int, shown: str) -> None:
    assert span(seconds) == shown
