"""From facts to an estimate: worse facts never lower it, the unknown never narrows it, and flags cap the letter."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import changed, write_study
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Confidence, Entry, Fact, Facts, Status, Timeline
from tidemill.networks import risk_facts, unpaid
from tidemill.networks.risk_facts import AXES, RiskFacts
from tidemill.studies import fact_files
from tidemill.studies.risk import assess, assess_all, base_rates, causes, grades
from tidemill.studies.risk.assessment import assess_network, assess_study
from tidemill.studies.risk.estimates import Estimate, Shock, expected
from tidemill.studies.study import load_study
from tidemill.venues.kinds import kind, kinds

DAY = dt.date(2026, 11, 21)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VALUES = {axis.name: [v[0] for v in axis.levels] or list(axis.least_seconds) for axis in AXES}
ENDS = ("low", "usual", "high")


def known(value: object, as_of: dt.date = DAY, confidence: Confidence = Confidence.WEB) -> Fact:
    return Fact(value, as_of, "a test", confidence, Status.LIVE)  # type: ignore[arg-type]


def risk_of(incidents: tuple[tuple[dt.date, object], ...] = (), **facts: Fact) -> RiskFacts:
    entries = tuple(
        Entry(int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp()), known(loss)) for d, loss in incidents
    )
    lines = {"incidents": Timeline("incidents", "time", entries)} if entries else {}
    return risk_facts.checked("x", Facts("x.toml", "x", facts, lines))


TYPICAL = {axis.name: known(VALUES[axis.name][axis.typical]) for axis in AXES}


def shock(**facts: Fact) -> Shock:
    return causes.network_shock(risk_of(**facts), DAY)


def at_least(worse: Estimate, better: Estimate) -> bool:
    return all(getattr(worse, end) >= getattr(better, end) - 1e-15 for end in ENDS)


def contains(wide: Estimate, narrow: Estimate) -> bool:
    return wide.low <= narrow.low + 1e-15 and wide.high >= narrow.high - 1e-15


def test_typical_facts_leave_the_base_rate() -> None:
    base = base_rates.number("network.incidents") / base_rates.number("network.years")
    assert shock(**TYPICAL).chance.usual == pytest.approx(base)
    # Beta(1, b) has closed quantiles: the ends are those of one event at the base rate.
    b = (1 - base) / base
    assert shock(**TYPICAL).chance.low == pytest.approx(1 - 0.95 ** (1 / b), rel=1e-6)
    assert shock(**TYPICAL).chance.high == pytest.approx(1 - 0.05 ** (1 / b), rel=1e-6)


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_a_worse_fact_never_lowers_and_the_unknown_never_narrows(axis: risk_facts.Axis) -> None:
    others = {name: fact for name, fact in TYPICAL.items() if name != axis.name}
    levels = [shock(**others, **{axis.name: known(value)}).loss for value in VALUES[axis.name]]
    for better, worse in pairwise(levels):
        assert at_least(worse, better) and worse.usual > better.usual
    unknown = shock(**others).loss
    for level in levels:
        assert contains(unknown, level)
    assert unknown.usual > 0.0 and unknown.low > 0.0
    old = shock(**others, **{axis.name: known(VALUES[axis.name][0], as_of=dt.date(2024, 6, 1))}).loss
    assert old.usual == levels[0].usual and contains(old, levels[0]) and old.high == unknown.high
    a_year = shock(**others, **{axis.name: known(VALUES[axis.name][0], as_of=DAY - dt.timedelta(365))}).loss
    assert a_year == levels[0]
    doubtful = shock(**others, **{axis.name: known(VALUES[axis.name][0], confidence=Confidence.UNCERTAIN)}).loss
    assert doubtful == old


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_losing_facts_never_narrows(data: st.DataObject) -> None:
    """Any levels on all axes; then some of the facts are forgotten."""
    facts = {axis.name: known(data.draw(st.sampled_from(VALUES[axis.name]))) for axis in AXES}
    facts["forced_exit"] = known(data.draw(st.booleans()))
    kept = data.draw(st.sets(st.sampled_from(sorted(facts))))
    full, less = shock(**facts), shock(**{name: fact for name, fact in facts.items() if name in kept})
    assert contains(less.chance, full.chance) and contains(less.part, full.part) and contains(less.loss, full.loss)
    assert len(less.unknown) == len(full.unknown) + len(facts) - len(kept)


def test_a_step_is_worth_the_odds_that_the_file_says() -> None:
    one = shock(**TYPICAL).chance.usual
    worse = shock(**TYPICAL | {"data_availability": known("external")}).chance.usual
    odds = base_rates.number("odds")
    assert worse / (1 - worse) == pytest.approx(odds * one / (1 - one))


def test_without_a_forced_exit_more_is_lost() -> None:
    yes, no, unknown = (
        shock(**TYPICAL, **facts).part for facts in ({"forced_exit": known(True)}, {"forced_exit": known(False)}, {})
    )
    assert at_least(no, yes) and no.usual > yes.usual
    assert contains(unknown, yes) and contains(unknown, no)
    for value, sure in ((True, yes), (False, no)):
        old = shock(**TYPICAL, forced_exit=known(value, as_of=dt.date(2024, 6, 1)))
        assert old.part.usual == sure.usual and contains(old.part, yes) and contains(old.part, no)
        assert any(word.startswith("forced_exit (") for word in old.unknown)


def test_what_to_learn_first_would_narrow_most() -> None:
    """Each unknown axis in turn turns out typical: none lowers the high end more than the one named first."""
    first, *_ = shock(forced_exit=known(True)).unknown
    high = {axis.name: shock(forced_exit=known(True), **{axis.name: TYPICAL[axis.name]}).loss.high for axis in AXES}
    assert high[first] == min(high.values()) < shock(forced_exit=known(True)).loss.high
    assert assess("plasma", DAY).learn == f"network:plasma: {first}"
    assert assess("aave_v3@op-mainnet", DAY).learn.startswith("network:op-mainnet: ")  # the widest of the shocks
    # an old fact at the best of four levels says more than an unknown one of two
    old = {"state_validation": known("zk proofs", as_of=dt.date(2024, 6, 1))}
    others = {name: fact for name, fact in TYPICAL.items() if name not in ("data_availability", "state_validation")}
    assert [word.split(" ")[0] for word in shock(**others, **old).unknown[:2]] == [
        "state_validation",
        "data_availability",
    ]
    assert assess("ethereum", DAY).learn == ""


def test_the_own_record_shrinks_the_base_rate() -> None:
    launched = {"launched": known("2016-11-21")}
    clean = causes.network_shock(risk_of(**TYPICAL, **launched), DAY).chance
    assert clean.usual == pytest.approx(1 / (27.5 + 3652 / 365.25), rel=1e-9)  # one event in 55/2 + ten years
    unknown = shock(**TYPICAL).chance
    assert unknown.high - unknown.low > clean.high - clean.low

    def after(*incidents: tuple[dt.date, object]) -> Estimate:
        return causes.network_shock(risk_of(incidents, **TYPICAL, **launched), DAY).chance

    first = dt.date(2020, 1, 1)
    bad = after((first, 10**6))
    assert bad.usual == pytest.approx(2 / (27.5 + 3652 / 365.25), rel=1e-9)
    assert clean.usual < bad.usual < after((first, "unknown"), (dt.date(2021, 1, 1), 5)).usual
    assert after((first, 0)) == clean  # nothing was lost
    assert after((dt.date(2026, 12, 1), 10**6)) == clean  # it had not happened


def test_a_network_s_own_file_says_since_when() -> None:
    (fact,) = (r for r in assess("op-mainnet", DAY).shocks[0].reasons if r.words.startswith("own record"))
    assert "in 3.5 years" in fact.words and fact.fact and "superchain-registry" in fact.fact.source
    assert "launched" not in assess("op-mainnet", DAY).shocks[0].unknown
    assert "launched" in causes.network_shock(risk_of(), DAY).unknown  # a network that no file knows


def test_every_number_of_every_network_has_its_reason() -> None:
    for name in risk_facts.names():
        found = assess(name, DAY)
        (one,) = found.shocks
        assert 0.0 < found.loss.low <= found.loss.usual <= found.loss.high < 1.0
        assert one.reasons and all(reason.fact is not None for reason in one.reasons)
        said = {reason.words.split(" ")[0] for reason in one.reasons}
        for axis, level in risk_facts.get(name).levels().items():
            assert (axis in one.unknown) == (level is None)
            assert level is None or axis.split("_")[0] in said


@pytest.mark.parametrize("name", kinds())
def test_every_kind_of_venue_can_be_assessed(name: str) -> None:
    found = assess(f"{name}@op-mainnet", DAY)
    assert {one.cause for one in found.shocks} >= {"network", "protocol"}
    assert found.loss.usual >= assess("op-mainnet", DAY).loss.usual
    assert found.causes["protocol"].usual > 0.0 and found.unknown >= 1


def test_worse_contracts_are_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(**facts: str) -> Estimate:
        table = {f"uniswap_v2.{key}": known(value) for key, value in facts.items()}
        monkeypatch.setattr(base_rates, "venues", lambda: Facts("v", "v", table, {}))
        return causes.venue_shock(kind("uniswap_v2"), DAY).loss

    unknown = of()
    for axis in causes.VENUE_AXES:
        found = [of(**{axis.name: values[0]}) for values in axis.levels]
        assert all(at_least(worse, better) for better, worse in pairwise(found))
        assert all(contains(unknown, one) for one in found)


@pytest.mark.chain
@pytest.mark.parametrize(
    ("name", "contract"),
    [
        ("uniswap_v2", "UniswapV2Pair"), ("uniswap_v3", "UniswapV3Pool"), ("morpho_blue", "Morpho"),
        ("staking_rewards", "StakingRewards"), ("cl_gauge", "UniswapV3Staker"), ("minichef", "MiniChefV2"),
    ],
)  # fmt: skip
def test_what_is_said_of_upgrades_is_what_the_contract_can(name: str, contract: str) -> None:
    from tidemill.chain.artefacts import artefact

    functions = {entry.get("name", "").lower() for entry in artefact(contract).abi}
    moves = {found for found in functions if "migrat" in found or "upgrade" in found or "implementation" in found}
    fact = base_rates.venues().fact(f"{name}.upgrade")
    assert fact.value == ("instant" if moves else "immutable"), moves


def test_tokens() -> None:
    assert causes.asset_shock("ETH", DAY) is None
    usdc, eurc, made_up = (causes.asset_shock(symbol, DAY) for symbol in ("USDC", "EURC", "NOPE"))
    assert usdc and eurc and made_up
    assert usdc.factor == eurc.factor == "issuer:Circle"
    assert expected([usdc, eurc]).usual == pytest.approx(usdc.loss.usual)  # one issuer is one shock
    assert made_up.factor == "token:NOPE" and {"class", "issuer"} <= set(made_up.unknown)
    assert contains(made_up.loss, usdc.loss) and made_up.loss.low > 0.0
    synthetic = causes.asset_shock("USDe", DAY)
    assert causes.asset_shock("USDE", DAY) == synthetic  # however a list writes it
    assert synthetic and at_least(synthetic.loss, usdc.loss)


def test_debt_can_be_liquidated_and_nobody_knows_of_own_code() -> None:
    aave = kind("aave_v3")
    assert causes.position_shock(aave, "x", borrows=False) is None
    owing, unknown = (causes.position_shock(aave, "x", borrows=debt) for debt in (True, None))
    assert owing is not None and owing == unknown
    assert owing.chance.low < 0.01 and owing.chance.high > 0.99
    pool = causes.position_shock(kind("uniswap_v3"), "x", borrows=False)
    # a position that ended below holding lost, on average, what fees left uncovered
    assert pool is not None and pool.loss.usual == pytest.approx(0.114 * 0.234)
    assert pool.chance.usual == pytest.approx(0.495)


@pytest.mark.parametrize("name", ["stage", "forced_exit", "exit_window"])
def test_what_held_once_counts_as_unknown(name: str) -> None:
    good = {"stage": "2", "forced_exit": True, "exit_window": 40 * 86_400}[name]
    was = msgspec.structs.replace(known(good), status=Status.SUPERSEDED)
    without = {key: fact for key, fact in TYPICAL.items() if key != name}
    once, never, now = (
        causes.network_shock(risk_of(**without, **facts), DAY) for facts in ({name: was}, {}, {name: known(good)})
    )
    assert (once.chance, once.part, once.unknown) == (never.chance, never.part, never.unknown)
    assert (once.chance, once.part) != (now.chance, now.part)


def test_letters_are_the_published_bands() -> None:
    limits = {"A+": 0.1, "A": 0.4, "A-": 0.8, "B+": 1.5, "B": 3, "B-": 6, "C+": 12, "C": 32, "C-": 99.9}
    assert dict(grades.bands()) == {letter: pytest.approx(limit / 100) for letter, limit in limits.items()}
    for (letter, most), (following, _) in pairwise(grades.bands()):
        assert grades.grade(most) == letter and grades.grade(most * 1.0001) == following
    assert grades.grade(0.0) == "A+" and grades.grade(1.0) == "D"


@pytest.mark.parametrize(
    ("subject", "flags"),
    [
        ("liquid", {"no_forced_exit", "recent_incident"}),
        ("loopring", {"no_forced_exit", "instant_upgrade", "sunset"}),
        ("citrea", {"no_forced_exit"}),
        ("op-mainnet", {"instant_upgrade"}),
        ("arbitrum-one", set()),
        ("staking_rewards@arbitrum-one", {"unverified_incentive"}),
    ],
)
def test_flags_cap_the_letter(subject: str, flags: set[str]) -> None:
    found = assess(subject, DAY)
    assert {flag.name for flag in found.flags} == flags
    order = [letter for letter, _ in grades.bands()]
    for flag in found.flags:
        assert order.index(found.capped) >= order.index(flag.cap)
    assert found.capped == found.grade or found.capped in {flag.cap for flag in found.flags}


def test_an_incident_is_recent_for_ninety_days_or_while_it_is_open() -> None:
    risk = risk_of(((dt.date(2026, 1, 1), 10**6),))
    ages = {
        days: bool(grades.network_flags(risk, dt.date(2026, 1, 1) + dt.timedelta(days))) for days in (-1, 0, 90, 91)
    }
    assert ages == {-1: False, 0: True, 90: True, 91: False}
    assert any(f.name == "recent_incident" for f in grades.asset_flags("xUSD", DAY))
    assert grades.asset_flags("XUSD", DAY)[0].name == "recent_incident"  # lists write it so
    assert not grades.asset_flags("USDC", DAY)
    assert grades.asset_flags("USDC", dt.date(2023, 3, 20))


def test_a_hard_coded_oracle_and_an_ended_status_are_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"uniswap_v2.oracle": known("hard-coded"), "uniswap_v2.upgrade": known("instant")}
    monkeypatch.setattr(base_rates, "venues", lambda: Facts("v", "v", table, {}))
    assert {f.name for f in grades.venue_flags(kind("uniswap_v2"))} == {"hard_coded_oracle", "instant_upgrade"}
    said = {
        Status.ENDED: ["sunset"],
        Status.WITHDRAW_ONLY: ["sunset"],
        Status.INCIDENT: ["recent_incident"],
        Status.LIVE: [],
    }
    for status, flags in said.items():
        standing = msgspec.structs.replace(known("close"), status=status)
        plasma = networks.get("plasma")
        facts = msgspec.structs.replace(plasma.facts, facts={**plasma.facts.facts, "standing": standing})
        stands = msgspec.structs.replace(plasma, facts=facts)
        assert [flag.name for flag in grades.network_flags(risk_of(), DAY, stands)] == flags


def test_an_end_is_a_flag_from_the_day_that_it_was_announced() -> None:
    """The file of dYdX read on 2024-08-01 would have said that trading ends on 2024-10-28."""
    network, early = networks.get("dydx-v3"), dt.date(2024, 8, 1)
    line = network.facts.timelines["standing"]
    last = msgspec.structs.replace(line.entries[-1].fact, as_of=early)
    told = msgspec.structs.replace(
        line, entries=(line.entries[0], msgspec.structs.replace(line.entries[-1], fact=last))
    )
    stands = msgspec.structs.replace(
        network, facts=msgspec.structs.replace(network.facts, timelines={"standing": told})
    )
    words = {
        day: [flag.words for flag in grades.network_flags(risk_of(), dt.date.fromisoformat(day), stands)]
        for day in ("2024-07-31", "2024-08-01", "2024-10-27", "2024-10-28")
    }
    assert words == {
        "2024-07-31": [],
        "2024-08-01": ["dydx-v3: withdraw-only from 2024-10-28 on"],
        "2024-10-27": ["dydx-v3: withdraw-only from 2024-10-28 on"],
        "2024-10-28": ["dydx-v3: withdraw-only, since 2024-10-28"],
    }
    reopened = msgspec.structs.replace(line.entries[0], since=1_740_000_000)
    again = msgspec.structs.replace(told, entries=(*told.entries, reopened))
    open_again = msgspec.structs.replace(
        network, facts=msgspec.structs.replace(network.facts, timelines={"standing": again})
    )
    assert not grades.network_flags(risk_of(), DAY, open_again)


@pytest.mark.parametrize("name", networks.names())
def test_a_network_ends_on_one_day_wherever_it_is_asked(name: str) -> None:
    """The calendar, the flag of risk, the list and the page of claims say the same day."""
    (days) = [row.day for row in fact_files.calendar() if row.network == name and row.what == "the network"]
    flags = [flag for flag in assess_network(name, DAY).flags if flag.name == "sunset"]
    assert len(flags) == len(days) <= 1
    if not days:
        assert networks.get(name).status in (Status.LIVE, Status.INCIDENT)
        return
    assert flags[0].words.endswith(f"since {days[0]}" if days[0] else "day unknown")
    if days[0]:
        first = int(dt.datetime.combine(days[0], dt.time(), dt.UTC).timestamp())
        before, after = (networks.get(name).standing(time).fact.status for time in (first - 1, first))
        assert before is Status.LIVE and after is networks.get(name).status
        assert assess_network(name, days[0]).flags != assess_network(name, days[0] - dt.timedelta(1)).flags
        assert risk_facts.get(name).fact("way_out"), "what to do with money still there"
    if name == "loopring":
        assert str(days[0]) == unpaid.claims().facts["loopring_off"].value


def test_a_study_counts_each_thing_once(tmp_path) -> None:
    path = write_study(tmp_path)
    found = assess(str(path), DAY)
    assert {one.factor for one in found.shocks} == {
        "network:op-mainnet", "protocol:uniswap_v3", "divergence:pool", "issuer:Circle",
    }  # fmt: skip
    assert found.subject == "A small range" and found.none == ("asset ETH: nobody stands behind it who could fail",)
    two = changed("venues.other", {"kind": "uniswap_v3", "dataset": "small"})
    more = assess(str(write_study(tmp_path, two, "two.toml")), DAY)
    assert [one.factor for one in more.shocks].count("protocol:uniswap_v3") == 1
    assert {"divergence:pool", "divergence:other"} <= {one.factor for one in more.shocks}
    assert load_study(path).network == "op-mainnet"


def test_a_study_s_venues_name_tokens_and_own_code_may_borrow(tmp_path: Path) -> None:
    bridged = assess(str(EXAMPLES / "bridged_staking.toml"), DAY)
    assert "issuer:Lido" in {one.factor for one in bridged.shocks}  # a token of the pool, not of the capital
    lent = {"kind": "aave_v3", "params": {"asset": "USDC", "collateral": "WETH"}}
    for strategy, owes in (("lend", False), ("leveraged_staking", True), ("mine.py:Mine", True)):
        study = changed("strategy", strategy, changed("venues", {"bank": lent}))
        found = assess(str(write_study(tmp_path, study)), DAY)
        assert ("liquidation:bank" in {one.factor for one in found.shocks}) is owes


def test_what_is_counted_with_the_network_is_not_counted_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = {"uniswap_v3.counted": known("network")}
    monkeypatch.setattr(base_rates, "venues", lambda: Facts("v", "v", table, {}))
    found = assess(str(write_study(tmp_path)), DAY)
    assert "protocol:uniswap_v3" not in {one.factor for one in found.shocks}
    assert "protocol uniswap_v3: counted with its network" in found.none


def test_capital_may_say_where_it_is(tmp_path: Path) -> None:
    study = load_study(write_study(tmp_path))
    spread = msgspec.structs.replace(study, capital={**study.capital, "USDT@ethereum": "5"})
    factors = {one.factor for one in assess_study(spread, DAY).shocks}
    assert {"network:op-mainnet", "network:ethereum", "issuer:Tether", "issuer:Circle"} <= factors


def test_a_portfolio_shares_its_shocks() -> None:
    one = assess("aave_v3@base", DAY)
    both = assess_all(["aave_v3@base", "morpho_blue@base"], DAY)
    factors = [shock.factor for shock in both.shocks]
    assert factors.count("network:base") == 1 and len(factors) == 3
    assert both.causes["network"].usual == pytest.approx(one.causes["network"].usual)
    assert both.chance is not None and one.chance is not None
    n, a, m = (next(s.chance.usual for s in both.shocks if s.factor == f) for f in factors)
    assert both.chance == pytest.approx(1 - (1 - n) * (1 - a) * (1 - m))
    assert assess_all(["base"], DAY) == assess("base", DAY)


def test_a_portfolio_is_weighed_by_its_parts() -> None:
    base, mode = assess("base", DAY), assess("mode", DAY)
    found = assess_all(["base", "mode"], DAY, [3, 1])
    assert found.loss.usual == pytest.approx((3 * base.loss.usual + mode.loss.usual) / 4)
    assert found.causes["network"].usual == pytest.approx(found.loss.usual) and found.causes["asset"].usual == 0.0


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_can_be_assessed(path: Path) -> None:
    found = assess(str(path), DAY)
    assert 0.0 < found.loss.low < found.loss.usual < found.loss.high < 1.0
    assert found.causes["network"].usual > 0.0 and found.causes["protocol"].usual > 0.0


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("op-mainet", "did you mean 'op-mainnet'"),
        ("aave_v4@base", "did you mean 'aave_v3'"),
        ("aave_v3@bass", "did you mean 'base'"),
        ("aave_v3", "stands on several networks; say which"),
        ("nope.toml", "no such file"),
    ],
)
def test_a_wrong_subject_is_named(subject: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        assess(subject, DAY)
    with pytest.raises(BadInput):
        assess_all([], DAY)


def test_base_rates_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName):
        base_rates.number("network.yeers")
    for value in ("many", "-1", "inf", True):
        monkeypatch.setattr(base_rates, "rates", lambda value=value: Facts("r", "r", {"x": known(value)}, {}))
        with pytest.raises(BadInput):
            base_rates.number("x")
