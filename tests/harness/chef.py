"""Sushi's MiniChefV2 as it stands on a chain: SUSHI, two tokens to stake, and a rewarder of each kind."""

from __future__ import annotations

from eth_hash.auto import keccak

from .actors import actor, endow
from .contract import Contract, deploy
from .evm import Evm

NOBODY = "0x" + "00" * 20
_POOLS, _TOKENS, _REWARDERS, _USERS, _POINTS, _RATE = range(3, 9)
"""Storage words of the chef (behind owner, pending owner and migrator)."""
_R_POOLS, _R_USERS, _R_POINTS, _R_RATE = 2, 4, 5, 6
"""Storage words of the streaming rewarder."""


class Chef:
    """A chef without pools, its rewarders ``stream`` and ``multiple`` (both pay the token ``bonus``).

    Parameters
    ----------
    decimals : of the two tokens to stake and of the bonus.
    multiplier : of the multiplying rewarder, scaled by 1e18.
    actors : names, each endowed with ``endowment`` raw units of everything that can be staked, and full approvals.
    """

    def __init__(
        self,
        *,
        decimals: tuple[int, int, int] = (18, 6, 8),
        multiplier: int = 10**18 // 2,
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 100,
    ) -> None:
        self.evm = evm = Evm()
        self.owner = owner = actor("chef owner")
        names = ("SUSHI", "LPA", "LPB", "BON")
        made = [
            deploy(evm, actor(f"maker of {name}"), "TestToken", f"Test {name}", name, places)
            for name, places in zip(names, (18, *decimals), strict=True)
        ]
        self.tokens = dict(zip((f"{name}@test" for name in names), made, strict=True))
        self.sushi, self.lp_a, self.lp_b, self.bonus = made
        self.chef = deploy(evm, owner, "MiniChefV2", self.sushi.address)
        at = self.chef.address
        self.stream = deploy(evm, owner, "ComplexRewarderTime", self.bonus.address, 0, at)
        self.multiple = deploy(evm, owner, "RewarderMock", multiplier, self.bonus.address, at)
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            endow((self.sushi, self.lp_a, self.lp_b), who, endowment, (at,))

    def give(self, token: Contract, to: str, amount: int) -> None:
        """Bring tokens from nowhere."""
        token.send(self.owner, "mint", to, amount)

    # -- storage: the whole state, at half a microsecond a word --------------------------------------------------------

    def chef_words(self, pools: int) -> tuple[int, int, int, list[tuple[int, int, int]]]:
        """Return pools, points, rate and of each pool (packed word, token, rewarder)."""
        word, at = self.evm.storage, self.chef.address
        rows = [
            (
                word(at, _array(_POOLS) + pid),
                word(at, _array(_TOKENS) + pid),
                word(at, _array(_REWARDERS) + pid),
            )
            for pid in range(pools)
        ]
        return word(at, _POOLS), word(at, _POINTS), word(at, _RATE), rows

    def balance(self, token: Contract, who: str) -> int:
        """Return raw units held, by the token's first storage word."""
        return self.evm.storage(token.address, _hash(0, int(who, 16)))

    def stake_words(self, pid: int, who: str) -> tuple[int, int]:
        """Return (raw units staked, signed debt) at the chef."""
        slot = _of_user(_USERS, pid, who)
        debt = self.evm.storage(self.chef.address, slot + 1)
        return self.evm.storage(self.chef.address, slot), debt - (debt >> 255 << 256)

    def stream_words(self) -> tuple[int, int]:
        """Return points and rate of the streaming rewarder."""
        return self.evm.storage(self.stream.address, _R_POINTS), self.evm.storage(self.stream.address, _R_RATE)

    def stream_pool(self, pid: int) -> int:
        """Return the packed word of a pool at the streaming rewarder."""
        return self.evm.storage(self.stream.address, _mapped(pid, _R_POOLS))

    def stream_stake(self, pid: int, who: str) -> tuple[int, int]:
        """Return (raw units, debt) at the streaming rewarder."""
        slot = _of_user(_R_USERS, pid, who)
        return self.evm.storage(self.stream.address, slot), self.evm.storage(self.stream.address, slot + 1)


_SLOTS: dict[tuple[int, ...], int] = {}


def _hash(*words: int) -> int:
    if words not in _SLOTS:
        _SLOTS[words] = int.from_bytes(keccak(b"".join(word.to_bytes(32, "big") for word in words)), "big")
    return _SLOTS[words]


def _array(slot: int) -> int:
    return _hash(slot)


def _mapped(key: int, slot: int) -> int:
    return _hash(key, slot)


def _of_user(slot: int, pid: int, who: str) -> int:
    return _hash(int(who, 16), _mapped(pid, slot))
