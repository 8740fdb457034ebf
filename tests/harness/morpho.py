"""Morpho Blue as it stands on a chain: the contract, three tokens, both rate models, and markets with their oracles."""

from __future__ import annotations

from typing import Any

from eth_abi import encode
from eth_hash.auto import keccak

from tidemill.chain.abi import Abi
from tidemill.chain.abi_text import abi_of_text
from tidemill.venues.morpho_blue.client_abi import EVENTS
from tidemill.venues.morpho_blue.state import ADAPTIVE, FREE, MOCK

from .actors import MAX, actor, endow
from .contract import Contract, abi_of, deploy
from .evm import Evm

ZERO = "0x" + "00" * 20


class Morpho:
    """The contract, tokens, rate models, and markets by name (``params``, ``ids``, ``oracles``).

    Parameters
    ----------
    decimals : of the three tokens.
    actors : names, each endowed with ``endowment`` raw units of all tokens and full approvals.
    """

    def __init__(
        self,
        *,
        decimals: tuple[int, int, int] = (6, 18, 8),
        actors: tuple[str, ...] = ("alice", "bob", "carol", "dave"),
        endowment: int = 1 << 110,
    ) -> None:
        self.evm = evm = Evm()
        self.owner = actor("morpho owner")
        bare = deploy(evm, self.owner, "Morpho", self.owner)
        # Its events are logged by a library and missing from its own ABI.
        whole = Abi([*abi_of("Morpho").entries, *abi_of_text(EVENTS.splitlines()).entries])
        self.morpho = Contract(evm, bare.address, whole)
        self.irms = {
            MOCK: deploy(evm, self.owner, "IrmMock").address,
            ADAPTIVE: deploy(evm, self.owner, "AdaptiveCurveRate", bare.address).address,
            FREE: ZERO,
        }
        self.adaptive = Contract(evm, self.irms[ADAPTIVE], abi_of("AdaptiveCurveRate"))
        self.taker = deploy(evm, self.owner, "FlashTaker")
        self.tokens = [
            deploy(evm, actor(f"maker {i}"), "TestToken", f"Test {i}", f"T{i}", places)
            for i, places in enumerate(decimals)
        ]
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            endow(tuple(self.tokens), who, endowment, (bare.address,))
        self.params: dict[str, tuple[str, str, str, str, int]] = {}
        self.ids: dict[str, bytes] = {}
        self.oracles: dict[str, Contract] = {}

    def prepare(self, name: str, loan: int, collateral: int, irm: str, lltv: int, price: int) -> None:
        """Deploy the oracle of a market that is still to be created, and name it."""
        oracle = deploy(self.evm, self.owner, "OracleMock")
        oracle.send(self.owner, "setPrice", price)
        made = (self.tokens[loan].address, self.tokens[collateral].address, oracle.address, self.irms[irm], lltv)
        self.params[name], self.oracles[name] = made, oracle
        self.ids[name] = keccak(encode(["(address,address,address,address,uint256)"], [made]))

    def send(self, who: str, function: str, market: str, *args: Any) -> Any:
        """Transact in a market."""
        return self.morpho.send(who, function, self.params[market], *args)

    def view(self, function: str, market: str, *args: Any) -> Any:
        """Ask about a market by its id."""
        return self.morpho.view(function, self.ids[market], *args)


__all__ = ["MAX", "ZERO", "Morpho"]
