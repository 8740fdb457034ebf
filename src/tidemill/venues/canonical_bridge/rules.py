"""When the steps of a withdrawal become possible (OP Stack, portal over an oracle of outputs).

A withdrawal can be proven once an output of its block or a later one stands on Ethereum. Outputs are of every
``interval`` blocks of the rollup, counted from the first one the oracle knows. It can be finalised strictly later than
``maturity`` seconds after it was proven, and than ``game`` seconds after the output (0 where the same window counts for
both, as with the oracle). Source: OP Stack specification, withdrawals; the strictness is observed on the bytecode.
"""

from __future__ import annotations

from tidemill.units import Uint, div_up, rule

__all__ = ["covering_output_up", "finalizable", "output_time"]


@rule
def covering_output_up(block: Uint, first: Uint, interval: Uint) -> Uint:
    """The number of the block whose output is the first to cover ``block``; outputs begin one interval after ``first``.

    >>> covering_output_up(1_801, 0, 1_800)
    3600
    """
    steps = div_up(block - first, interval) if block > first else 1
    return first + steps * interval


@rule
def output_time(number: Uint, first: Uint, first_time: Uint, block_seconds: Uint, lag: Uint) -> Uint:
    """The second at which block ``number``'s output stands on Ethereum, ``lag`` after the block's own time."""
    return first_time + (number - first) * block_seconds + lag


@rule
def finalizable(proven: Uint, maturity: Uint, output: Uint, game: Uint) -> Uint:
    """The first second at which a withdrawal can be finalised: both windows must be over, not merely ending.

    >>> finalizable(1_000, 604_800, 900, 0)
    605801
    """
    proof_over, game_over = proven + maturity, output + game
    return (game_over if game_over > proof_over else proof_over) + 1  # noqa: FURB136 - rules have no max
