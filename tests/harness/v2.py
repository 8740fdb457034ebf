"""Uniswap v2 as it stands on a chain: factory, three tokens with a pair of each two, and the router."""

from __future__ import annotations

from .actors import MAX, actor, endow
from .contract import Contract, abi_of, deploy
from .evm import Evm


class V2:
    """A factory, a router and the pairs of three tokens.

    Parameters
    ----------
    decimals : of the three tokens.
    actors : names, each endowed with ``endowment`` raw units of all tokens and full approvals, shares included.
    """

    def __init__(
        self,
        *,
        decimals: tuple[int, int, int] = (18, 6, 8),
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 118,
    ) -> None:
        self.evm = evm = Evm()
        self.setter, self.fee_to = actor("fee setter"), actor("fee to")
        self.weth = deploy(evm, self.setter, "WETH9")
        self.factory = deploy(evm, self.setter, "UniswapV2Factory", self.setter)
        self.router = deploy(evm, self.setter, "UniswapV2Router02", self.factory.address, self.weth.address)
        made = [
            deploy(evm, actor(f"maker {i}"), "TestToken", f"Test {i}", f"T{i}", places)
            for i, places in enumerate(decimals)
        ]
        self.tokens = sorted(made, key=lambda token: int(token.address, 16))
        self.pairs: dict[tuple[int, int], Contract] = {}
        for pair in ((0, 1), (0, 2), (1, 2)):
            a, b = (self.tokens[i].address for i in pair)
            self.pairs[pair] = Contract(
                evm, self.factory.send(self.setter, "createPair", a, b), abi_of("UniswapV2Pair")
            )
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            endow(tuple(self.tokens), who, endowment, (self.router.address,))
            for contract in self.pairs.values():
                contract.send(who, "approve", self.router.address, MAX)

    def deadline(self) -> int:
        """Now: the last moment at which the router still acts."""
        return self.evm.block.time
