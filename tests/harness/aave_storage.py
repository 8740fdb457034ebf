"""The whole state of an Aave v3 market out of its storage: half a microsecond a word, where a view costs fifty."""

from __future__ import annotations

from collections.abc import Iterable

from eth_hash.auto import keccak

from .aave import Aave

POOL_RESERVES, POOL_USERS, POOL_EMODES = 52, 53, 56
SUPPLY_STATE, SUPPLY_TOTAL = 52, 54
DEBT_STATE, DEBT_TOTAL = 56, 58
RESERVE_WORDS = {"income": 1, "debt": 2, "times": 3, "accrued": 8, "isolated": 9}


def _key(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def _solidity(address: str, slot: int) -> int:
    return int.from_bytes(keccak(_key(address) + slot.to_bytes(32, "big")), "big")


def _vyper(address: str, slot: int) -> int:
    return int.from_bytes(keccak(slot.to_bytes(32, "big") + _key(address)), "big")


class Words:
    """Where everything of a market lies, for a fixed set of people; ``read`` gives all words by name."""

    def __init__(self, market: Aave, people: Iterable[str]) -> None:
        self._evm, pool = market.evm, market.pool.address
        self._at: dict[tuple[object, ...], tuple[str, int]] = {}
        people = list(people)
        for number, reserve in enumerate(market.reserves):
            base = _solidity(reserve.token.address, POOL_RESERVES)
            for name, offset in RESERVE_WORDS.items():
                self._at[number, name] = pool, base + offset
            self._at[number, "total supplied"] = reserve.supply.address, SUPPLY_TOTAL
            self._at[number, "total owed"] = reserve.debt.address, DEBT_TOTAL
            for who in people:
                self._at[number, "supplied", who] = reserve.supply.address, _solidity(who, SUPPLY_STATE)
                self._at[number, "owed", who] = reserve.debt.address, _solidity(who, DEBT_STATE)
            for who in (*people, reserve.supply.address, market.receiver.address):
                self._at[number, "balance", who] = reserve.token.address, _vyper(who, 0)
        for who in people:
            self._at["user", who] = pool, _solidity(who, POOL_USERS)
            self._at["emode", who] = pool, _solidity(who, POOL_EMODES)

    def read(self) -> dict[tuple[object, ...], int]:
        """Return every word by name."""
        storage = self._evm.storage
        return {name: storage(*where) for name, where in self._at.items()}
