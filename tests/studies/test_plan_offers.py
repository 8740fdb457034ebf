"""Offers without a list: a person's own, and those of tidemill's dated facts. No rate is made up, none believed when old."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest

from tidemill import networks
from tidemill.errors import BadInput, TidemillError
from tidemill.facts import load_facts
from tidemill.studies.plan.asked import Asked, prices_of
from tidemill.studies.plan.by_hand import parse_offers
from tidemill.studies.plan.catalogue import catalogue, takes_money, unless_given
from tidemill.studies.plan.doubts import Rules, sift
from tidemill.studies.plan.plan import plan
from tidemill.venues.about import deployments
from tidemill.venues.kinds import kind, kinds

ON = dt.date(2026, 11, 22)
NOW = 1_795_391_999  # the end of that day
GOOD = "aave_v3@base:USDC=4.2%"


def by_hand(*words: str) -> Any:
    return parse_offers(words, ON)


def asked(have: dict[str, str], **more: Any) -> Asked:
    prices = {"ETH": "3000", "POL": "0.2", "STRK": "0.1"}
    return Asked(
        have=have, **{"days": 90, "risk": "moderate", "on": ON, "prices": prices_of(prices), "costs": {}, **more}
    )


def test_an_offer_by_hand_says_what_a_row_of_a_list_says() -> None:
    (row,) = by_hand(
        "morpho_blue/steak@base:USDC=6.1%,reward=0.9%,mean=5,tvl=95.5M,since=2025-11-22,lock=7d,source=a page, seen"
    )
    assert (row.name, row.kind, row.project, row.network) == ("steak USDC on base", "morpho_blue", "steak", "base")
    assert (row.apy_bps, row.base_bps, row.reward_bps, row.mean_bps) == (610, 520, 90, 500)
    assert (row.tvl, row.days, row.lock_days) == (95_500_000 * 10**6, 365, 7)
    assert (row.origin, row.as_of, row.source, row.confidence) == ("hand", "2026-11-22", "a page, seen", "uncertain")
    assert row.stable and not row.diverges
    (pair,) = by_hand("uniswap_v2@arbitrum:weth-usdc=12")
    assert (pair.network, pair.tokens, pair.diverges, pair.stable) == ("arbitrum-one", ("WETH", "USDC"), True, False)
    assert not by_hand("uniswap_v2@base:WSTETH-WETH=2%")[0].diverges  # both are ether
    (listed,) = by_hand("aave-v3@Base:USDC=4.2%")
    assert (listed.kind, listed.project) == ("aave_v3", "aave-v3")
    (other,) = by_hand("none/fluid@base:USDC=5%")
    assert (other.kind, other.project) == ("", "fluid")


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("4%", "'4%' is no offer; write KIND@NETWORK:TOKENS=APY%"),
        ("", "'' is no offer"),
        (
            "aave_v4@base:USDC=4%",
            "unknown kind of venue 'aave_v4'; did you mean 'aave_v3'?; without a model: none/aave_v4@",
        ),
        ("aave_v3@bass:USDC=4%", "unknown network 'bass'; did you mean 'base'"),
        ("none@base:USDC=4%", "a place without a model has a name"),
        ("canonical_bridge@base:USDC=4%", "nothing is earned by bringing money to a canonical_bridge"),
        ("sequencer@base:ETH=4%", "nothing is earned by bringing money to a sequencer"),
        ("aave_v3/a\x1bb@base:USDC=4%", "is no name"),
        ("aave_v3@base:US DC=4%", "'US DC' is no token's symbol"),
        ("uniswap_v2@base:USDC-USDC=4%", "names a token twice"),
        ("aave_v3@base:USDC=-4%", "the rate '-4%' is no percentage from 0 up"),
        ("aave_v3@base:USDC=nan", "the rate 'nan' is no percentage"),
        ("aave_v3@base:USDC=1e5%", "the rate '1e5%' is no percentage"),
        ("aave_v3@base:USDC=9999999999%", "is no percentage"),
        (f"{GOOD},tv=3", "'tv' is none of reward, mean, tvl, since, as_of, lock, source; did you mean 'tvl'"),
        (f"{GOOD},tvl", "'tvl' is none of"),
        (f"{GOOD},tvl=-3", "tvl '-3' is no sum of dollars"),
        (f"{GOOD},tvl=3T", "tvl '3T' is no sum of dollars"),
        (f"{GOOD},tvl=3,tvl=4", "tvl is given twice"),
        (f"{GOOD},reward=5%", "reward=5% is more than the whole rate of 4.2 %"),
        (f"{GOOD},since=2027-01-01", "since=2027-01-01 is after the day of the plan"),
        (f"{GOOD},as_of=2027-01-01", "as_of=2027-01-01 is after the day of the plan"),
        (f"{GOOD},since=soon", "since 'soon' is no day"),
        (f"{GOOD},lock=9999d", "lock '9999d' is no number of days up to 3650"),
        (f"{GOOD},source=", "source is no text"),
    ],
)
def test_a_bad_offer_is_one_line_that_names_the_field(word: str, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        by_hand(word)
    said = str(caught.value)
    assert said.startswith("offer: ") and line in said and "\n" not in said


def test_an_offer_given_twice_is_refused_and_another_of_that_kind_has_a_name() -> None:
    with pytest.raises(BadInput, match=r"offer: aave-v3 USDC on base is given twice; give one of them a name"):
        by_hand(GOOD, "aave_v3@base:USDC=9%")
    assert len(by_hand(GOOD, "aave_v3/second@base:USDC=9%")) == 2


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        (",tvl=1k", "small"),
        (",since=2026-11-20", "young"),
        (",as_of=2026-11-18", "stale"),
        (",tvl=0", "unknown tvl"),
        ("", ""),
    ],
)
def test_the_same_rules_doubt_what_a_person_says(more: str, rule: str) -> None:
    kept, doubts = sift(by_hand(GOOD + more), Rules(now=NOW))
    assert [(doubt.rule, doubt.field) for doubt in doubts] == [(rule, "offer")] * bool(rule)
    assert len(kept) == (not rule)
    _, absurd = sift(by_hand("aave_v3@base:USDC=101%"), Rules(now=NOW))
    assert [doubt.rule for doubt in absurd] == ["absurd"]


def test_every_rate_of_our_own_has_day_source_and_confidence_and_is_doubted_by_age() -> None:
    found = catalogue(ON, {"POL": "0.2", "STRK": "0.1"}, ("USDC",))
    assert {row.kind for row in found.rows} == {"aave_v3", "delegation"}
    assert all(row.origin == "facts" and row.as_of and row.source and row.confidence for row in found.rows)
    kept, doubts = sift(found.rows, Rules(now=NOW))
    assert {one.opportunity.kind for one in kept} == {"delegation"} and {doubt.rule for doubt in doubts} == {"stale"}
    assert all("days ago" in doubt.why for doubt in doubts if doubt.rule == "stale")
    lent = [row for row in found.rows if row.kind == "aave_v3" and row.tokens == ("USDC",)]
    fresh = 1_787_529_600  # 24 August 2026
    kept, _ = sift(lent, Rules(now=fresh))
    assert len(kept) == len(lent)
    _, doubts = sift(lent, Rules(now=1_780_000_000))
    assert {doubt.rule for doubt in doubts} == {"later"}  # a plan of May knows nothing of August


def test_rates_of_our_own_are_those_of_the_file_and_each_stands_where_the_kind_stands() -> None:
    facts = load_facts(deployments_of("aave_v3")).facts
    rows = {f"{row.network}.{row.symbol}": row.apy_bps for row in catalogue(ON, {}, ()).rows}
    assert rows == {
        name.upper().replace(name.partition(".")[0].upper(), name.partition(".")[0]): f.value
        for name, f in facts.items()
    }
    assert len(rows) > 20 and all(10 <= rate <= 2_000 for rate in rows.values())


def deployments_of(name: str) -> Any:
    from pathlib import Path

    return Path(kind(name).gas).with_name("rates.toml")


def test_staking_is_believed_by_the_least_that_facts_allow_for() -> None:
    rows = {
        row.tokens[0]: row for row in catalogue(ON, {"POL": "0.2", "STRK": "0.1"}, ()).rows if row.kind == "delegation"
    }
    pol, strk = rows["POL"], rows["STRK"]
    # 103.53 M POL a year over half and over a fifth of 10.353 G, less 5 %
    assert (pol.network, pol.low_bps, pol.apy_bps) == ("ethereum", 190, 475)
    assert pol.tvl == 10_353_000_000 * 2_000 // 10_000 * 10**6 // 5 and pol.as_of == "2026-06-30"
    assert (strk.network, strk.lock_days, strk.tvl) == ("starknet", 7, None)
    assert "the supply grows by 1.06 % meanwhile" in strk.note  # of the case that is believed
    kept, doubts = sift([pol], Rules(now=NOW))
    assert not doubts and kept[0].bps == 190 and "1.90 to 4.75 %: the least is believed" in kept[0].notes[0]
    # a protocol's own rule holds for a year, not for three days; then it too is old
    _, doubts = sift([pol], Rules(now=NOW + 300 * 86_400))
    assert [doubt.rule for doubt in doubts] == ["stale"]


def test_what_has_no_dated_rate_is_named_with_the_way_to_give_one() -> None:
    found = catalogue(ON, {}, ("OP", "USDC"))
    told = {name for one in found.unjudged for name in one.kinds} | {row.kind for row in found.rows}
    assert told == {name for name in kinds() if takes_money(name)}
    for one in found.unjudged:
        if one.how.startswith("--offer") and len(one.kinds) == 1:
            word = (
                one.how.removeprefix("--offer ").replace("…", "4").replace("NETWORK", "base").replace("TOKENS", "USDC")
            )
            assert parse_offers([word], ON)[0].kind == one.kinds[0]
    assert [one for one in found.unjudged if one.why.startswith("OP itself pays nothing") and not one.how]
    assert any("pilot" in one.why for one in found.unjudged)  # at most 10 % until it ends: no rate to plan by
    some = catalogue(ON, {}, (), ("base",))
    assert all("base" in one.networks or not one.networks for one in some.unjudged)
    assert {row.network for row in some.rows} == {"base"}
    quiet = catalogue(ON, {}, (), markets=False)
    assert not quiet.rows and {name for one in quiet.unjudged for name in one.kinds} == {"delegation"}


def test_kinds_are_told_where_they_stand() -> None:
    for one in catalogue(ON, {}, ()).unjudged:
        for name in one.kinds if one.networks else ():
            assert set(one.networks) <= set(deployments(kind(name))) | set(networks.names())


def test_what_a_person_or_a_list_says_of_a_place_stands_instead_of_what_we_know() -> None:
    known = catalogue(ON, {}, ()).rows
    left = unless_given(known, by_hand(GOOD))
    assert len(left) == len(known) - 1 and not [r for r in left if r.network == "base" and r.tokens == ("USDC",)]


def test_with_nothing_believed_all_stays_and_the_plan_says_what_is_missing() -> None:
    have = asked({"USDC": "10000"})
    known = catalogue(ON, have.prices, ("USDC",))
    document = plan(known.rows, have, Rules(now=NOW), "own", known.unjudged).document
    assert (document.held, document.idle, document.net) == ([], 10_000 * 10**6, 0)
    assert document.smallest_note.startswith("what pays is of other tokens than you have")  # POL, STRK
    assert "--max-age" in document.smallest_note and "--offer, --list or --from" in document.smallest_note
    assert document.unjudged == known.unjudged and document.left_out["stale"] > 20
    assert [one.amount for one in document.reached if one.days == 0] == [10_000 * 10**6]
    with pytest.raises(BadInput, match=r"least: 0.01 % cannot be put to work .* without the cap on what is exchanged"):
        plan(known.rows, asked({"USDC": "10000"}, least_bps=1), Rules(now=NOW))
    with pytest.raises(BadInput, match=r"offer: nothing of 1 offers is believed \(1 absurd\)"):
        plan(by_hand("aave_v3@base:USDC=101%"), have, Rules(now=NOW))


def test_a_stake_takes_no_more_than_one_has_of_its_token() -> None:
    have = asked({"USDC": "100000", "POL": "50000"}, caps=())  # 10,000 USD of POL
    known = catalogue(ON, have.prices, tuple(have.have))
    document = plan(known.rows, have, Rules(now=NOW)).document
    (line,) = document.held
    assert (
        line.tokens == ["POL"] and line.amount == 10_000 * 10**6 and "the cap on what is exchanged" in document.binding
    )
    assert (line.as_of, line.confidence) == ("2026-06-30", "derived") and line.source.startswith("PIP-26")
    assert line.believed_bps == 190 and line.displayed_bps == 475


@dataclass
class _Case:
    word: str
    unsized: bool


@pytest.mark.parametrize("case", [_Case(GOOD, unsized=True), _Case(f"{GOOD},tvl=90M", unsized=False)])
def test_a_plan_of_an_offer_by_hand_says_whose_rate_it_is_and_has_a_study(case: _Case) -> None:
    planned = plan(by_hand(case.word), asked({"USDC": "10000"}), Rules(now=NOW))
    (line,) = planned.document.held
    assert (line.as_of, line.source, line.confidence) == ("2026-11-22", "given by hand", "uncertain")
    assert any("what is in it is not given" in note for note in line.notes) is case.unsized
    (study,) = planned.studies
    assert ("are assumed" in study.text) is case.unsized
    assert f"supplied = {400_000 if case.unsized else 90_000_000}" in study.text


def test_a_broken_file_of_rates_is_refused_by_field(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidemill.studies.plan import catalogue as room

    fact = 'value = 3, as_of = 2026-01-01, source = "s", confidence = "web", status = "live"'
    broken = f'about = "x"\n[facts]\n"nowhere.USDC" = {{ {fact} }}\n'
    (tmp_path / "rates.toml").write_text(broken)

    class Elsewhere:
        gas = str(tmp_path / "gas.toml")

    monkeypatch.setattr(room, "kind", lambda name: Elsewhere)
    with pytest.raises(TidemillError, match=r"rates.toml: facts.nowhere.USDC: expected NETWORK.TOKEN"):
        room._of_kind.__wrapped__("aave_v3")
