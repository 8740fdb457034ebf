"""When a withdrawal of an OP Stack chain can be proven and finalised where outputs are dispute games.

A proof names a game. The portal pays when the proof has matured, the game was won by who defended it, some time has
passed since it was resolved (the *air gap*), and the guardian has not struck it out meanwhile. Every bound is strict, and
whoever proves again starts the maturity anew, against whatever game is named then. Reasons are the contract's own.
Source: OP Stack specification, fault proofs; bounds and order held against the bytecode (``tests/twins/test_dispute_games``).
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Game", "GamePortal", "Proof", "finalize_refusal", "proof_refusal", "ready_to_finalize", "resolvable"]

BLACKLISTED = "OptimismPortal: dispute game has been blacklisted"
UNPROVEN = "OptimismPortal: withdrawal has not been proven by proof submitter address yet"
TOO_OLD = "OptimismPortal: withdrawal timestamp less than dispute game creation timestamp"
IMMATURE = "OptimismPortal: proven withdrawal has not matured yet"
UNRESOLVED = "OptimismPortal: output proposal has not been validated"
WRONG_KIND = "OptimismPortal: invalid game type"
RETIRED = "OptimismPortal: dispute game created before respected game type was updated"
AIR_GAP = "OptimismPortal: output proposal in air-gap"
PAID = "OptimismPortal: withdrawal has already been finalized"
LOST = "OptimismPortal: cannot prove against invalid dispute games"


class Game(Struct):
    """A dispute game over an output: seconds of its creation and resolution (0 before), and who won.

    ``defended`` is ``None`` while it goes on, ``False`` where a challenger won.
    """

    created: int
    kind: int = 0
    resolved: int = 0
    defended: bool | None = None
    blacklisted: bool = False


class GamePortal(Struct):
    """What a portal asks for: seconds of ``maturity`` since the proof and of ``finality`` since the game's resolution.

    Only games of kind ``respected`` count, and none created before the second ``since`` at which that was last set.
    """

    maturity: int
    finality: int
    respected: int = 0
    since: int = 0


class Proof(Struct, frozen=True):
    """What somebody has proven last: against which game, in which second."""

    game: Game
    time: int


def proof_refusal(portal: GamePortal, game: Game) -> str:
    """Return why nothing can be proven against ``game`` now, empty where it can."""
    if game.kind != portal.respected:
        return WRONG_KIND
    return LOST if game.defended is False else ""


def finalize_refusal(portal: GamePortal, proof: Proof | None, now: int, *, paid: bool = False) -> str:
    """Return why a withdrawal cannot be finalised in second ``now``, empty where it can."""
    if proof is None:
        return UNPROVEN
    game = proof.game
    refused = (
        (game.blacklisted, BLACKLISTED),
        (proof.time <= game.created, TOO_OLD),
        (now - proof.time <= portal.maturity, IMMATURE),
        (game.defended is not True, UNRESOLVED),
        (game.kind != portal.respected, WRONG_KIND),
        (game.created < portal.since, RETIRED),
        (now - game.resolved <= portal.finality, AIR_GAP),
        (paid, PAID),
    )
    return next((reason for holds, reason in refused if holds), "")


def resolvable(moved: int, clock: int) -> int:
    """Return the first second at which a claim made at ``moved`` that nobody answers can be resolved: the clock has run out.

    >>> resolvable(1_000, 302_400)
    303400
    """
    return moved + clock


def ready_to_finalize(proven: int, game_created: int, maturity: int, game_clock: int, finality: int) -> int:
    """Return the first second at which a withdrawal can be finalised, where nobody disputes its game.

    Both must have passed, strictly: ``maturity`` since it was *last* proven, and ``finality`` since the game was resolved,
    as soon as its own clock allowed. Proving again (against a newer game, say) starts the first anew.

    >>> ready_to_finalize(proven=10, game_created=0, maturity=604_800, game_clock=302_400, finality=302_400)
    604811
    """
    return max(proven + maturity, resolvable(game_created, game_clock) + finality) + 1
