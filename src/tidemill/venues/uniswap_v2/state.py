"""What a factory's pairs remember."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from tidemill.errors import Revert

__all__ = ["ExchangeState", "PairState"]


@dataclass
class PairState:
    """One pair. ``account`` is where its tokens lie in the world's book; ``updated`` is seconds modulo 2**32.

    Reserves are what the pair last wrote down; what lies there beyond them is taken by the next deposit, swap or skim.
    The accumulators are Q112.112 price seconds modulo 2**256.
    """

    account: str
    token0: str
    token1: str
    lp: str
    reserve0: int = 0
    reserve1: int = 0
    updated: int = 0
    price0_cumulative: int = 0
    price1_cumulative: int = 0
    k_last: int = 0
    total_supply: int = 0
    # Of a replayed log: reserves ahead of the last Sync, shares made and unmade since the last Mint or Burn.
    before: tuple[int, int] = (0, 0)
    issued: tuple[int, ...] = ()
    redeemed: int = 0

    def __deepcopy__(self, memo: object) -> PairState:
        """Copy quickly: every field is a plain value."""
        return copy.copy(self)

    def reserves(self, token_in: str) -> tuple[int, int]:
        """Return reserves of ``token_in`` and of the other token."""
        return (self.reserve0, self.reserve1) if token_in == self.token0 else (self.reserve1, self.reserve0)

    def other(self, token: str) -> str:
        """Return the pair's other token."""
        return self.token1 if token == self.token0 else self.token0


@dataclass
class ExchangeState:
    """A factory and its router. ``fee_to`` earns the protocol's share, empty while it is off."""

    pairs: dict[str, PairState] = field(default_factory=dict)
    fee_to: str = ""

    def __deepcopy__(self, memo: object) -> ExchangeState:
        """Copy quickly: stages copy before every action."""
        return ExchangeState({name: copy.copy(pair) for name, pair in self.pairs.items()}, self.fee_to)

    def pair_of(self, token_a: str, token_b: str) -> PairState:
        """Return the pair of two tokens; raises ``Revert`` as the router does where there is none."""
        if token_a == token_b:
            raise Revert("UniswapV2Library: IDENTICAL_ADDRESSES")
        for pair in self.pairs.values():
            if {token_a, token_b} == {pair.token0, pair.token1}:
                return pair
        raise Revert("")
