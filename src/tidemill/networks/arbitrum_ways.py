"""Ways in and out of an Arbitrum chain, and who is paid there."""

from __future__ import annotations

from tidemill.facts import Facts
from tidemill.networks.exits import Route, RouteStage, Wait
from tidemill.networks.roles import Role

__all__ = ["roles", "routes"]

_L1 = "ethereum"
_NOW = Wait(0, 0, 0)


def routes(name: str, facts: Facts) -> tuple[Route, ...]:
    """Return the routes: withdrawal, deposit, and inclusion forced through Ethereum."""
    fact = facts.facts
    window = facts.integer("confirm_period")
    latest = window + facts.integer("challenge_grace") // 12
    confirm = RouteStage(
        verb="confirm",
        network=_L1,
        wait=Wait(window, window + 300, None, "L1 blocks"),
        by="operator",
        about="a validator's assertion covers your block and is confirmed; challenged, it takes at least "
        f"{latest - window} blocks more",
        facts=(fact["confirm_period"], fact["challenge_grace"]),
    )
    execute = RouteStage("execute", _L1, _NOW, about="the outbox pays; you send it and pay its gas")
    start = RouteStage("initiate", name, _NOW, about="a withdrawal is sent as a message to Ethereum")
    forced = RouteStage(
        verb="force inclusion",
        network=_L1,
        wait=Wait(facts.integer("force_inclusion"), facts.integer("force_inclusion")),
        about="the delayed inbox's message is put in the chain by anyone once the sequencer let the period pass",
        facts=(fact["force_inclusion_blocks"], fact["force_inclusion"]),
    )
    deposit = (
        RouteStage("deposit", _L1, _NOW, about="a retryable ticket, its execution on the other side prepaid"),
        RouteStage(
            "redeem",
            name,
            Wait(0, facts.integer("deposit_usual"), facts.integer("retryable_lifetime")),
            by="operator",
            about="runs by itself; if its gas was set too low, redeem it by hand before it expires",
            facts=(fact["deposit_usual"], fact["retryable_lifetime"]),
        ),
    )
    send = RouteStage("send to the delayed inbox", _L1, _NOW, about="the withdrawal, as a message from Ethereum")
    expires = "a retryable ticket that is not redeemed within its lifetime is lost, money included"
    gas = "the last step is paid in ETH on Ethereum"
    return (
        Route(f"{name}:withdraw", name, _L1, "canonical", (start, confirm, execute), warnings=(gas,)),
        Route(f"{name}:deposit", _L1, name, "canonical", deposit, warnings=(expires,)),
        Route(f"{name}:forced-exit", name, _L1, "forced", (send, forced, confirm, execute), warnings=(gas,)),
    )


def roles(facts: Facts) -> tuple[Role, ...]:
    """Return the chain's roles, with the facts behind each."""
    fact = facts.facts
    found = [
        Role("sequencer", "ETH", "fees", "permissioned", "one sequencer; fees and surplus go to the DAO's accounts"),
        Role(
            "validator",
            "ETH",
            "nothing",
            "anyone",
            "posts assertions behind a bond that comes back; a service fee is paid only where the DAO grants one",
            (fact["assertion_bond"],),
        ),
        Role(
            "challenger",
            "ETH",
            "nothing",
            "anyone",
            "disputes a false assertion behind bonds; what an honest one may win is the loser's bond, no steady income",
            (fact["challenge_bond"],),
        ),
        Role(
            "staker",
            "ARB",
            "nothing",
            "nobody",
            "ARB votes; nothing is paid for holding or delegating it",
            (fact["arb_staking_yield"],),
        ),
    ]
    if "timeboost_round" in fact:
        names = ("timeboost_round", "timeboost_advantage", "timeboost_dao_share", "timeboost_start")
        found.append(
            Role(
                "bidder",
                "ETH",
                "nothing",
                "anyone",
                "buys the express lane of a round at the second price; earns only what its own trading makes of it",
                tuple(fact[name] for name in names),
            )
        )
    return tuple(found)
