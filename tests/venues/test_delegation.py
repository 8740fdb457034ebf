"""Delegation in a world: nobody is paid more than was minted, leaving waits, a subsidy ends, and the rows add up."""

from __future__ import annotations

import copy
import datetime as dt
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill import networks
from tidemill.errors import BadInput, InvariantBroken, Revert
from tidemill.interfaces import Action, Block, Result
from tidemill.ledger import waterfall as module
from tidemill.ledger.posting import post
from tidemill.ledger.rows import ROWS
from tidemill.studies.backtest import Backtest
from tidemill.studies.compare import compare
from tidemill.studies.prepare import prepare
from tidemill.studies.study import Study, load_study
from tidemill.venues.delegation.model import DelegationModel
from tidemill.venues.delegation.rules import (
    checkpoint_pay_down,
    checkpoint_reward_down,
    reward_of_target_down,
    tips_for_stakers_down,
)
from tidemill.venues.delegation.state import DelegationState, Terms
from tidemill.venues.kinds import kind

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "delegate_pol.toml"
POL, UNIT, DAY, YEAR = "POL@ethereum", 10**18, 86_400, 365 * 86_400
REWARD = reward_of_target_down(103_530_000 * UNIT, 175, 5_120)
TERMS = Terms(
    "pol", own=1_000_000 * UNIT, elsewhere=3_000_000_000 * UNIT, commission=5, supply=10_353_000_000 * UNIT,
    other_mint=103_530_000 * UNIT, unbonding=3 * DAY, least=UNIT, reward=REWARD, interval=5_120, decrease=10, bonus=10,
    yearly=103_530_000 * UNIT,
)  # fmt: skip
FULL = {"blocks": 5_120, "signed_bps": 10_000, "proposer": 0}


class World:
    """A validator, a book, and a clock that a test moves."""

    def __init__(self, terms: Terms = TERMS) -> None:
        self.model, self.state, self.time = DelegationModel(), DelegationState("val", "vault", POL, terms, 0), 0
        self.book: dict[str, int] = {}

    def balance(self, token: str, account: str) -> int:
        assert token == POL
        return self.book.get(account, 0)

    @property
    def block(self) -> Block:
        return Block(time=self.time, number=self.time)

    def act(self, sender: str, verb: str, **args: Any) -> Result:
        self.sender, before = sender, copy.deepcopy(self.state)
        try:
            result = self.model.apply(self.state, Action(verb, args), self)
        except Revert:
            assert self.state == before
            raise
        for moved in result.transfers:
            self.book[moved.source] = self.book.get(moved.source, 0) - moved.amount
            self.book[moved.target] = self.book.get(moved.target, 0) + moved.amount
            assert moved.source == "zero" or self.book[moved.source] >= 0
        return result


def test_random_lives_never_pay_more_than_was_minted():
    for seed in range(6):
        draws, world, reverts = random.Random(seed), World(), set()
        people = ["ann", "bob", "cy"]
        world.book = dict.fromkeys(people, 10**6 * UNIT)
        for _ in range(250):
            world.time += draws.randrange(1, DAY)
            who, verb = (
                draws.choice(people),
                draws.choice(("delegate", "undelegate", "claim", "restake", "claim_unbonded", "epoch")),
            )
            args: dict[str, Any] = (
                {"amount": draws.randrange(10**5) * UNIT} if verb in ("delegate", "undelegate") else {}
            )
            if verb == "epoch":
                args = {
                    "blocks": draws.randrange(1, 12_000),
                    "signed_bps": draws.randrange(6_667, 10_001),
                    "proposer": draws.randrange(2),
                }
            if verb == "claim_unbonded":
                args = {"position": f"val#{draws.randrange(1, len(world.state.leaving) + 2)}"}
            try:
                world.act("validator" if verb == "epoch" else who, verb, **args)
            except Revert as revert:
                reverts.add(revert.reason)
            waiting = sum(one.amount for one in world.state.leaving if not one.claimed)
            owed = sum(world.model.read(world.state, "rewards", one) for one in people)
            assert world.state.total == sum(world.state.shares.values())
            dust = world.book.get("vault", 0) - world.state.total - waiting - owed
            assert 0 <= dust < 2_000
        assert sum(world.book.values()) == 3 * 10**6 * UNIT
        assert {"too little to delegate", "not delegated so much", "nothing to claim", "still unbonding"} & reverts


def test_one_delegator_gets_the_rules_part_of_each_checkpoint():
    world = World()
    world.book = {"me": 50_000 * UNIT, "others": 20_000_000 * UNIT}
    world.act("others", "delegate", amount=20_000_000 * UNIT)
    world.act("me", "delegate", amount=50_000 * UNIT)
    for proposer in (0, 1, 0):
        world.time += 8_960
        world.act("validator", "epoch", **{**FULL, "proposer": proposer})
    staked, everybody = 20_050_000 * UNIT, 3_021_050_000 * UNIT
    pay = checkpoint_reward_down(5_120, everybody, everybody, REWARD, 5_120, 10)
    assert pay == REWARD
    parts = [
        checkpoint_pay_down(pay, 10**6 * UNIT, staked, everybody, 10, 5, proposer=one) for one in (False, True, False)
    ]
    exact = Fraction(sum(parts) * 50_000, 20_050_000)
    got = world.act("me", "claim").amounts["reward"]
    assert 0 <= exact - got < 10
    assert world.book["me"] == got


def test_rewards_are_parted_at_the_growth_of_the_supply():
    world = World()
    world.book = {"me": 10**6 * UNIT}
    world.act("me", "delegate", amount=10**6 * UNIT)
    world.time = 8_960
    world.act("validator", "epoch", **FULL)
    stake, pace = world.model.positions(world.state, "val", "me", world.time, world.balance)
    minted = REWARD + 103_530_000 * UNIT * 8_960 // YEAR
    assert 0 <= Fraction(10**6 * UNIT * minted, TERMS.supply) - pace.claimable[POL] < 2
    both = stake.claimable[POL] + pace.claimable[POL]
    assert both == world.model.read(world.state, "rewards", "me") == world.act("me", "claim").amounts["reward"]


def test_the_supply_that_has_grown_dilutes_less():
    everything = 3_002_000_000 * UNIT  # all of the supply is staked
    world = World(msgspec.structs.replace(TERMS, supply=everything, other_mint=0, commission=0, bonus=0))
    world.book = {"me": 10**6 * UNIT}
    world.act("me", "delegate", amount=10**6 * UNIT)
    for number in range(2):
        world.time, before = world.time + 8_960, world.state.pace
        minted = world.act("validator", "epoch", **FULL).amounts["minted"]
        pace = 10**6 * UNIT * minted // (everything + number * minted)
        assert world.state.pace - before == pace * 10**25 // (10**6 * UNIT)


def test_commission_of_everything_leaves_nothing_and_dilution_takes_the_rest():
    world = World(msgspec.structs.replace(TERMS, commission=100))
    world.book = {"me": UNIT}
    world.act("me", "delegate", amount=UNIT)
    world.time = 8_960
    world.act("validator", "epoch", **FULL)
    assert world.model.read(world.state, "rewards", "me") == 0
    assert world.model.read(world.state, "yields")[0] == 0 > world.model.read(world.state, "yields")[2]


def test_leaving_waits_and_earns_nothing_meanwhile():
    world = World()
    world.book = {"me": 100 * UNIT}
    world.act("me", "delegate", amount=100 * UNIT)
    world.time = 8_960
    world.act("validator", "epoch", **FULL)
    result = world.act("me", "undelegate", amount=100 * UNIT)
    assert result.pending is not None and result.pending.not_before.time == world.time + 3 * DAY
    assert result.amounts["reward"] > 0  # paid out on the way
    world.time += 3 * DAY - 1
    world.act("validator", "epoch", **FULL)
    with pytest.raises(Revert, match="still unbonding"):
        world.act("me", "claim_unbonded", position="val#1")
    world.time += 1
    with pytest.raises(Revert, match="not the owner"):
        world.act("you", "claim_unbonded", position="val#1")
    assert world.act("me", "claim_unbonded", position="val#1").amounts == {"amount": 100 * UNIT}
    for position in ("val#1", "val#0", "val#2", "val#x"):
        with pytest.raises(Revert, match="already claimed" if position == "val#1" else "no such unbonding"):
            world.act("me", "claim_unbonded", position=position)
    assert world.book["me"] == 100 * UNIT + result.amounts["reward"]


def test_restaking_is_claiming_and_delegating():
    plain, again = World(), World()
    for world in (plain, again):
        world.book = {"me": 10**6 * UNIT}
        world.act("me", "delegate", amount=10**6 * UNIT)
        world.time = 8_960
        world.act("validator", "epoch", **FULL)
    more = again.act("me", "restake").amounts["amount"]
    assert plain.act("me", "claim").amounts["reward"] == more
    plain.act("me", "delegate", amount=more)
    assert plain.state.shares == again.state.shares and plain.book == again.book
    with pytest.raises(Revert, match="too little to restake"):
        again.act("me", "restake")


def test_a_subsidy_ends_with_its_time_and_with_its_purse():
    terms = msgspec.structs.replace(TERMS, form="subsidy", rate_bps=1_000, purse=5 * UNIT, ends=100 * DAY, other_mint=0)
    for purse, want in ((5 * UNIT, 5 * UNIT), (100 * UNIT, 1_000 * UNIT * 100 // 3_650)):
        world = World(msgspec.structs.replace(terms, purse=purse))
        world.book = {"me": 1_000 * UNIT}
        world.act("me", "delegate", amount=1_000 * UNIT)
        for _ in range(41):
            world.time += 3 * DAY
            world.act("validator", "epoch")
        assert 0 <= want - world.model.read(world.state, "rewards", "me") <= 41
        stake, pace = world.model.positions(world.state, "val", "me", world.time, world.balance)
        assert pace.claimable == {} and stake.claimable  # nothing was minted


def test_starknets_epochs_add_up_to_the_curve():
    terms = msgspec.structs.replace(
        TERMS, form="strk", numerator=213, alpha_bps=2_500, own=0, elsewhere=0, commission=0, other_mint=0
    )
    world = World(msgspec.structs.replace(terms, supply=10**28))
    world.book = {"me": 10**27}
    world.act("me", "delegate", amount=10**27)
    world.time = YEAR
    world.act("validator", "epoch")
    mint = 67356514161586479771576432
    missing = mint - mint * 2_500 // 10_000 - world.model.read(world.state, "rewards", "me")
    assert 0 <= missing <= 201  # a unit of each running total is 100 raw units at such a stake
    # 2.13 % of the root of 1e27 x 1.0067e28, the supply grown by then: 6.758e25; three quarters of it on the stake
    assert world.model.read(world.state, "yields")[:2] == (506, 67)


# --- in a study ---------------------------------------------------------------------------------------------------------


def cut(days: int = 40, **params: Any) -> Study:
    study = load_study(EXAMPLE)
    spec = study.venues["validator"]
    spec = msgspec.structs.replace(spec, params={**spec.params, **params})
    return msgspec.structs.replace(study, end=study.start + dt.timedelta(days=days), venues={"validator": spec})


def test_the_study_leaves_with_what_the_model_paid():
    document, outcomes = Backtest(prepare(cut())).main_run()
    rows = {row.key: row for row in document.waterfall}
    paid = sum(step.result.amounts.get("reward", 0) for step in outcomes.record if getattr(step, "result", None))
    assert rows["rewards"].tokens[POL] + rows["dilution"].tokens[POL] == paid > 0
    assert [step.verb for step in outcomes.record] == ["delegate", "undelegate", "claim_unbonded"]
    assert outcomes.record[2].at.time - outcomes.record[1].at.time >= 72 * 3_600
    assert any("0.85 % is left against everybody else's" in note for note in document.fidelity.notes)


def test_a_statement_says_what_a_token_does_not_pay():
    study = msgspec.structs.replace(cut(), tokens={"POL": 18, "OP": 18}, prices={"ETH": "20000", "OP": "3"})
    warnings = Backtest(prepare(study)).main_run()[0].warnings
    assert [line for line in warnings if line.startswith("OP itself pays nothing")]
    assert not [line for line in Backtest(prepare(cut())).main_run()[0].warnings if "pays nothing" in line]


@pytest.mark.parametrize("key", ["rewards", "dilution"])
def test_a_row_left_out_is_caught(key: str, monkeypatch: pytest.MonkeyPatch):
    outcomes = Backtest(prepare(cut())).main_run()[1]
    monkeypatch.setattr(module, "ROWS", tuple(row for row in ROWS if row.key != key))
    with pytest.raises(InvariantBroken):
        module.waterfall(post(outcomes.record, outcomes.marks))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        (
            {"elsewhere": 0},
            "params.elsewhere: 0: 21,000,000 POL in all would share it at 468.35 % a year; give what is staked",
        ),
        ({"priority_fees": -1}, "params.priority_fees"),
        ({"tip_stakers_bps": 10_001}, "params.tip_stakers_bps"),
        ({"form": "matic"}, "params.form: 'matic': a form is pol, strk, subsidy"),
        ({"supply": 10**9}, "params.supply"),
        ({"own": 0, "others": 0}, "params.own"),
        ({"token": "XYZ"}, "tokens: decimals of XYZ"),
        ({"token": "OP"}, "params.token: OP itself pays nothing: no native staking yield (as of 2026-11-21"),
        ({"token": "ARB"}, "params.token: ARB itself pays nothing: no native staking yield (uncertain; as of"),
    ],
)
def test_bad_words_are_one_line(params: dict[str, Any], says: str):
    with pytest.raises(BadInput) as caught:
        prepare(msgspec.structs.replace(cut(**params), tokens={"POL": 18, "OP": 18, "ARB": 18}))
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_delegating_is_compared_with_lending_the_same():
    compared = compare([EXAMPLE, EXAMPLE.with_name("pol_lent.toml")]).document
    rows = {row.key: row.values for row in compared.rows}
    assert [column.proof for column in compared.studies] == ["rule-checked", "bytecode-equal"]
    assert rows["dilution"][0] > rows["rewards"][0] > 0 and rows["dilution"][1] is None
    assert rows["interest"][1] > 0
    assert compared.best == 0
    # of what delegating keeps, two thirds only make up for new tokens; the rest is still more than lending here
    assert rows["rewards"][0] > rows["interest"][1]
    lending = next(base for base in compared.baselines if base.name == "best plain lending")
    assert lending.keep == compared.studies[1].keep


def test_priority_fees_are_paid_by_stake_and_are_no_new_tokens():
    world, plain = (World(msgspec.structs.replace(TERMS, tips=tips)) for tips in (7_400_000 * UNIT, 0))
    for one in (world, plain):
        one.book = {"me": 50_000 * UNIT, "others": 20_000_000 * UNIT}
        one.act("others", "delegate", amount=20_000_000 * UNIT)
        one.act("me", "delegate", amount=50_000 * UNIT)
        for _ in range(3):
            one.time += 8_960
            one.act("validator", "epoch", **FULL)
    assert world.model.read(world.state, "minted") == plain.model.read(plain.state, "minted")
    more = world.act("me", "claim").amounts["reward"] - plain.act("me", "claim").amounts["reward"]
    exact = Fraction(7_400_000 * UNIT * 3 * 8_960 * 50_000, YEAR * 3_021_050_000)
    assert abs(exact - more) < 20  # two roundings, down each
    both = [one.model.read(one.state, "yields") for one in (world, plain)]
    assert both[0][0] - both[1][0] in (24, 25) and both[0][1] == both[1][1]  # 7.4 million of 3,021 million


def test_a_study_says_priority_fees_and_their_parts_are_the_networks_facts():
    facts, params = networks.get("polygon-pos").facts, kind("delegation").params
    assert params["tip_commission_bps"][0] == facts.integer("tip_commission_bps")
    assert params["tip_stakers_bps"][0] == facts.integer("tip_stakers_bps")
    assert tips_for_stakers_down(20_000_000, 2_600, 5_000) == 7_400_000
    study = load_study(EXAMPLE)
    spec = study.venues["validator"]
    kept, noted = [], []
    for fees in (0, 20_000_000):
        more = msgspec.structs.replace(spec, params={**spec.params, "priority_fees": fees})
        prepared = prepare(msgspec.structs.replace(study, venues={"validator": more}))
        document = Backtest(prepared).main_run()[0]
        kept.append(sum(row.value for row in document.waterfall if row.key in ("rewards", "dilution")))
        noted.append(prepared.placed["validator"].notes()[0])
    # 7.4 million over 3,421 million staked, half a year of 50,000
    assert 52 * 10**6 < kept[1] - kept[0] < 56 * 10**6
    assert "users' priority fees" in noted[1] and "priority" not in noted[0]
