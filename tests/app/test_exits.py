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


@pytest.mark.parametrize(
    ("more", "says"),
    [
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
