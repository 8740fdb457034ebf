"""The scripted stage: what it foresees of claims, and openings that cannot be."""

from __future__ import annotations

import random
from typing import Any

import pytest

from harness.book import Book, Ctx
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Block, Claimable, Transfer
from tidemill.venues.shared.scripted import Scripted, ScriptedStage
from tidemill.venues.staking_rewards.model import FarmModel

STATE = {"account": "farm", "staking_token": "S", "reward_token": "R", "distributor": "d", "duration": 50_000}


def block(number: int) -> Block:
    return Block(time=2 * number, number=number)


def farm(seed: int) -> ScriptedStage[Any]:
    """A farm where others come and go at random."""
    draws, model = random.Random(seed), FarmModel()
    script = [
        Scripted(block(1), "crowd", Action("stake", {"amount": 10**9})),
        Scripted(block(1), "d", Action("notify_reward", {"reward": 10**12})),
    ]
    for number in sorted(draws.sample(range(2, 20_000), 60)):
        verb = draws.choice(("stake", "withdraw", "claim"))
        action = Action(verb, {} if verb == "claim" else {"amount": draws.randrange(1, 10**9)})
        script.append(Scripted(block(number), "crowd", action))
    stage = ScriptedStage("farm", "net", "farm", model, model.init(STATE), script, lambda time: block(-(-time // 2)))
    stage.holdings.move((Transfer("R", "d", "farm", 10**13),))
    return stage


@pytest.mark.parametrize("seed", range(6))
def test_what_was_foreseen_is_what_a_new_search_finds(seed: int):
    stage, draws, book = farm(seed), random.Random(seed + 100), Book()
    for token in ("S", "R"):
        for who in ("me", "farm"):
            book.add(token, who, 10**20)
    stage.advance(block(2))
    conditions = [Claimable("farm", "farm#me", "R", amount) for amount in (1, 10**9, 2 * 10**11, 10**13)]
    number, kept, found = 2, 0, 0
    while number < 19_000:
        now = block(number)
        if draws.random() < 0.3:
            verb = draws.choice(("stake", "claim"))
            args: dict[str, int | str] = {"amount": draws.randrange(1, 10**9)} if verb == "stake" else {}
            if draws.random() < 0.5:  # looked at and taken back, as a quote is
                before = stage.snapshot()
                stage.apply(Action(verb, args), Ctx(now, "me", book))
                stage.restore(before)
            else:
                stage.apply(Action(verb, args), Ctx(now, "me", book))
        for condition in conditions:
            until = block(draws.choice((number + 50, 19_500)))
            kept += condition in stage._foreseen
            told = stage.next_wake([condition], until)
            fresh = stage._when_claimable(condition, until)
            assert told == (fresh if fresh is not None and fresh.number <= until.number else None)
            found += told is not None
        number += draws.randrange(1, 900)
        stage.advance(block(number))
    assert kept > 20
    assert found > 20


def test_what_somebody_does_beside_the_script_is_not_overlooked():
    stage, book = farm(1), Book()
    for who in ("me", "farm"):
        book.add("S", who, 10**20)
    stage.advance(block(2))
    stage.apply(Action("stake", {"amount": 10**9}), Ctx(block(2), "me", book))
    condition = Claimable("farm", "farm#me", "R", 10**11)
    first = stage.next_wake([condition], block(19_999))
    stage.play(Scripted(block(2), "whale", Action("stake", {"amount": 10**12})))
    second = stage.next_wake([condition], block(19_999))
    assert first is not None
    assert second is None or second.number > first.number


def test_others_who_cannot_begin_are_named():
    model = FarmModel()
    script = [Scripted(block(1), "thief", Action("notify_reward", {"reward": 1}))]
    stage = ScriptedStage("farm", "net", "farm", model, model.init(STATE), script, block)
    with pytest.raises(BadInput, match="venues.farm.params: others cannot notify_reward at the start: Caller is not"):
        stage.advance(block(1))
