"""Ways in and out of a chain of the OP Stack, and who is paid there."""

from __future__ import annotations

from tidemill.facts import Fact, Facts
from tidemill.networks.exits import Route, RouteStage, Wait
from tidemill.networks.op_games import ready_to_finalize
from tidemill.networks.roles import Role

__all__ = ["DELAYS", "finalize_wait", "roles", "routes"]

_L1 = "ethereum"
_NOW = Wait(0, 0, 0)
DELAYS = ("proof_maturity_delay", "game_clock", "game_finality_delay")


def finalize_wait(facts: Facts) -> Wait:
    """Return the wait between proof and finalization where the game is as young as the proof: one second past the delays."""
    maturity, clock, finality = (facts.integer(name) for name in DELAYS)
    seconds = ready_to_finalize(0, 0, maturity, clock, finality)
    return Wait(seconds, seconds, None)


def routes(name: str, facts: Facts, finalize: Wait, behind: tuple[Fact, ...]) -> tuple[Route, ...]:
    """Return withdrawal, deposit, and the way out past a silent sequencer; ``behind`` is what the last wait rests on."""
    fact = facts.facts
    each, window = facts.integer("proposal_interval"), facts.integer("seq_window_size")
    start = RouteStage("initiate", name, _NOW, about="the withdrawal is written to the message passer")
    prove = RouteStage(
        "prove",
        _L1,
        Wait(0, each, None),
        about="once a dispute game covers your block; proving again restarts the wait",
        facts=(fact["proposal_interval"],),
    )
    last = RouteStage(
        "finalize",
        _L1,
        finalize,
        about="the proof has matured and its game was resolved in the chain's favour; a dispute takes longer",
        facts=behind,
    )
    include = RouteStage(
        "include",
        name,
        Wait(0, 180, window * 12),
        by="operator",
        about=f"the sequencer takes it in within minutes, and the chain itself after {window} L1 blocks at the latest",
        facts=(fact["seq_window_size"],),
    )
    deposit = RouteStage(
        "deposit", _L1, _NOW, about="paid on Ethereum, which burns gas for what runs on the other side"
    )
    send = RouteStage("send through the portal", _L1, _NOW, about="the withdrawal, as a deposit from Ethereum")
    forced = RouteStage(
        "include",
        name,
        Wait(window, window, None, "L1 blocks"),
        by="operator",
        about="a silent sequencer loses its turn, and the chain takes the deposit in",
        facts=(fact["seq_window_size"],),
    )
    told = ("two of three transactions are paid in ETH on Ethereum", "proving again restarts the wait")
    return (
        Route(f"{name}:withdraw", name, _L1, "canonical", (start, prove, last), warnings=told),
        Route(f"{name}:deposit", _L1, name, "canonical", (deposit, include)),
        Route(f"{name}:forced-exit", name, _L1, "forced", (send, forced, prove, last), warnings=told),
    )


def roles(facts: Facts) -> tuple[Role, ...]:
    """Return the chain's roles, with the facts behind each."""
    fact = facts.facts
    shared = tuple(fact[name] for name in ("share_of_gross", "share_of_net") if name in fact)
    vaults = "one sequencer; base fees, tips, data and operator fees are kept in its vaults, nothing is burned"
    staked = tuple(fact[name] for name in ("op_staking_yield", "op_buyback") if name in fact)
    found = [
        Role("sequencer", "ETH", "fees", "permissioned", vaults, shared),
        Role("validator", "ETH", "nothing", "anyone", "proposes outputs behind a bond that comes back; unpaid"),
        Role(
            "challenger", "ETH", "nothing", "anyone", "disputes false outputs; an honest one may win the other's bond"
        ),
    ]
    if staked:
        found.append(
            Role("staker", "OP", "nothing", "nobody", "OP votes; holding or delegating it earns nothing", staked)
        )
    return tuple(found)
