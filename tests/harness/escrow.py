"""A VotingEscrow as it stands on a chain, with a distributor of weekly dividends, and a wallet that is a contract."""

from __future__ import annotations

from typing import Any

from eth_hash.auto import keccak

from .actors import MAX, actor
from .contract import Contract, deploy
from .evm import Evm

NOBODY = "0x" + "00" * 20
_FORWARD = "60203603602060003760006000602036036000600060003560601c5af13d600060003e602a573d6000fd5b3d6000f3"
"""Runtime code that sends the calldata behind its first word to the address that word begins with, and answers alike."""
_SUPPLY, _LOCKED, _EPOCH, _POINTS = 1, 2, 3, 4
_HISTORY = 399_999_999_999_999_965_732_603_428_868
"""Storage words of the escrow: points lie in a row, those of accounts behind them (the compiler of the time counted the row's
length with a float: 4 * 10**29, not quite)."""
YES = "600160005260206000f3"
NO = "600060005260206000f3"


def _made(runtime: str) -> bytes:
    """Return code that makes a contract of this runtime."""
    size = len(runtime) // 2
    return bytes.fromhex(f"60{size:02x}600c60003960{size:02x}6000f3" + runtime)


class Escrow:
    """Token, escrow, dividend token and distributor; ``wallet`` is a contract that does what anybody tells it.

    ``yes`` and ``no`` are checkers that let in everybody and nobody. ``actors`` hold ``endowment`` raw units of both
    tokens, with full approvals.
    """

    def __init__(
        self,
        *,
        decimals: tuple[int, int] = (18, 6),
        actors: tuple[str, ...] = ("alice", "bob", "carol", "dave"),
        endowment: int = 1 << 118,
        number: int = 100,
        time: int = 1_700_000_000,
    ) -> None:
        self.evm = evm = Evm(number=number, time=time)
        self.admin = admin = actor("escrow admin")
        self.token = deploy(evm, actor("maker of VOTE"), "TestToken", "Test VOTE", "VOTE", decimals[0])
        self.paid = deploy(evm, actor("maker of PAID"), "TestToken", "Test PAID", "PAID", decimals[1])
        self.ve = deploy(evm, admin, "VotingEscrow", self.token.address, "Test votes", "veVOTE", admin)
        self.dividends = deploy(evm, admin, "WeeklyDividends", self.ve.address, self.paid.address)
        self.yes, self.no = evm.create(admin, _made(YES)), evm.create(admin, _made(NO))
        self.wallet = evm.create(admin, _made(_FORWARD))
        self.actors = {**{name: actor(name) for name in actors}, "wallet": self.wallet}
        for who in self.actors.values():
            self.give(who, endowment)
            self.send(who, self.token, "approve", self.ve.address, MAX)

    def give(self, who: str, amount: int) -> None:
        """Make tokens of both kinds."""
        for token in (self.token, self.paid):
            token.send(self.admin, "mint", who, amount)

    def send(self, who: str, contract: Contract, function: str, *args: Any) -> Any:
        """Transact as ``who``; the wallet is told by somebody."""
        if who != self.wallet:
            return contract.send(who, function, *args)
        codec = contract.abi.functions[function]
        data = bytes.fromhex(contract.address[2:]).ljust(32, b"\0") + codec.encode(*args)
        values = codec.decode(self.evm.call(self.admin, who, data))
        return values[0] if len(values) == 1 else None

    # -- storage -------------------------------------------------------------------------------------------------------

    def point(self, epoch: int) -> tuple[int, int, int, int]:
        """Return the sum's point of an epoch."""
        return self._point(_POINTS + 4 * epoch)

    def user_point(self, who: str, number: int) -> tuple[int, int, int, int]:
        """Return an account's point."""
        return self._point(_hash(_HISTORY, int(who, 16)) + 4 * number)

    def _point(self, slot: int) -> tuple[int, int, int, int]:
        a, b, c, d = (self.evm.storage(self.ve.address, slot + i) for i in range(4))
        return a, b, c, d

    def user_epoch(self, who: str) -> int:
        """Return how many points an account has."""
        return self.evm.storage(self.ve.address, _hash(_HISTORY + 1, int(who, 16)))

    def slope_change(self, week: int) -> int:
        """Return by how much the sum's slope changes at a week."""
        word = self.evm.storage(self.ve.address, _hash(_HISTORY + 2, week))
        return word - (word >> 255 << 256)

    def lock(self, who: str) -> tuple[int, int]:
        """Return raw units locked and until when."""
        slot = _hash(_LOCKED, int(who, 16))
        return self.evm.storage(self.ve.address, slot), self.evm.storage(self.ve.address, slot + 1)

    def whole(self) -> tuple[int, int]:
        """Return what is locked, and the epoch."""
        return self.evm.storage(self.ve.address, _SUPPLY), self.evm.storage(self.ve.address, _EPOCH)

    def week(self, week: int) -> int:
        """Return the dividends of a week."""
        return self.evm.storage(self.dividends.address, _hash(2, week))

    def cursor(self, who: str) -> int:
        """Return the first week not paid to an account."""
        return self.evm.storage(self.dividends.address, _hash(3, int(who, 16)))

    def dividend_words(self) -> tuple[int, int, int]:
        """Return the distributor's plain words: last time, last balance, start."""
        time, balance, start = (self.evm.storage(self.dividends.address, slot) for slot in (0, 1, 4))
        return time, balance, start

    def balance(self, token: Contract, who: str) -> int:
        """Return raw units held, by the token's first storage word."""
        return self.evm.storage(token.address, _hash(0, int(who, 16)))


_SLOTS: dict[tuple[int, int], int] = {}


def _hash(slot: int, key: int) -> int:
    if (slot, key) not in _SLOTS:
        _SLOTS[slot, key] = int.from_bytes(keccak(slot.to_bytes(32, "big") + key.to_bytes(32, "big")), "big")
    return _SLOTS[slot, key]
