"""Who acts, and with what."""

from __future__ import annotations

from eth_hash.auto import keccak

from .contract import Contract, deploy
from .evm import Evm

MAX = 2**256 - 1


def actor(name: str) -> str:
    """Return an address that depends on the name only."""
    return "0x" + keccak(b"tidemill actor " + name.encode()).hex()[-40:]


def token_pair(
    evm: Evm, decimals0: int, decimals1: int, names: tuple[str, str] = ("TKA", "TKB")
) -> tuple[Contract, Contract]:
    """Deploy two test tokens so that the first has the lower address, as pools demand."""
    first = deploy(evm, actor("token maker 0"), "TestToken", f"Test {names[0]}", names[0], decimals0)
    for attempt in range(64):
        second = deploy(evm, actor(f"token maker {1 + attempt}"), "TestToken", f"Test {names[1]}", names[1], decimals1)
        if int(first.address, 16) < int(second.address, 16):
            return first, second
    raise AssertionError("64 addresses in a row below the first: not random")


def endow(tokens: tuple[Contract, ...], who: str, amount: int, spenders: tuple[str, ...] = ()) -> None:
    """Mint ``amount`` raw units of each token to ``who`` and let ``spenders`` take them all."""
    for token in tokens:
        token.send(who, "mint", who, amount)
        for spender in spenders:
            token.send(who, "approve", spender, MAX)
