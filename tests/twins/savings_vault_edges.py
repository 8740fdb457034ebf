"""Places of a savings vault that random lives hardly ever reach."""

from __future__ import annotations

from harness.driver import refuses
from twins.savings_vault_twin import ASSET, FIVE_PERCENT, RAY, SHARE, Twins

MOST = (1 << 256) - 1
YEAR = 365 * 86_400


def fresh(rate: int = FIVE_PERCENT) -> tuple[Twins, list[str]]:
    """Twins of an empty vault, and their actors."""
    twins = Twins((18, rate), 0)
    return twins, list(twins.real.actors.values())


def powers_of_a_rate() -> None:
    """Every length of an exponent up to 32 bits, with all bits set, one bit set, and neither."""
    for rate in (FIVE_PERCENT, RAY + 1, RAY):
        twins, (alice, *_) = fresh(rate)
        twins.act(alice, "deposit", 10**20)
        start = twins.evm.block.time
        for bit in range(32):
            for seconds in ((1 << bit) - 1, 1 << bit, 3 << bit):
                if 0 < seconds < 20 * YEAR or rate == RAY:
                    twins.evm.at(twins.evm.block.number, start + seconds)
                    twins._compare_views(start + seconds)
        twins.act(alice, "redeem", twins.held(SHARE, alice) // 3)
        twins.compare()


def a_year_of_touches() -> None:
    """Touched daily or once, a year's interest is the same but for units; a second touch in a second adds nothing."""
    worth = []
    for touches in (1, 365):
        twins, (alice, bob, _) = fresh()
        twins.act(alice, "deposit", 10**24)
        for _ in range(touches):
            twins.evm.advance(seconds=YEAR // touches)
            twins.act(bob, "drip")
            assert not twins.act(bob, "drip").transfers
        twins.compare()
        worth.append(twins.act(alice, "redeem", 10**24).amounts["assets"])
        twins.compare()
        assert twins.held(ASSET, twins.at) <= 1
    assert abs(worth[0] - 105 * 10**22) < 10**5 and abs(worth[1] - worth[0]) < 10**6


def rates_at_the_limit() -> None:
    """Below one it is refused; one that doubles every second bursts, and then nothing works any more."""
    twins, (alice, bob, _) = fresh()
    twins.act(alice, "deposit", 10**18)
    refuses("not the governor", twins.act, alice, "set_rate", RAY)
    refuses("not the governor", twins.act, alice, "set_rate", 0)
    refuses("rate below one", twins.act, twins.real.governor, "set_rate", RAY - 1)
    twins.act(twins.real.governor, "set_rate", RAY)
    twins.evm.advance(seconds=100)
    assert twins.act(bob, "drip").transfers == ()
    twins.compare()
    twins.act(twins.real.governor, "set_rate", 2 * RAY)
    twins.evm.advance(seconds=1)
    twins.act(bob, "drip")
    assert twins.model.state.chi >= 2 * RAY
    twins.evm.advance(seconds=255)
    for verb, amount in (("drip", 0), ("deposit", 1), ("redeem", 1), ("set_rate", RAY)):
        who = twins.real.governor if verb == "set_rate" else alice
        refuses("", twins.act, who, verb, amount)


def amounts_at_the_limit() -> None:
    """What is held to the unit, one more, and what no longer fits into 256 bits."""
    twins, (alice, bob, _) = fresh()
    twins.act(alice, "deposit", 10**18 + 7)
    twins.evm.advance(seconds=12_345)
    refuses("insufficient balance", twins.act, bob, "redeem", 1)
    refuses("insufficient balance", twins.act, alice, "redeem", twins.held(SHARE, alice) + 1)
    most = twins.vault.view("maxWithdraw", alice)
    refuses("insufficient balance", twins.act, alice, "withdraw", most + 1)
    for verb in ("deposit", "mint", "withdraw", "redeem"):
        refuses("", twins.act, alice, verb, MOST)
    refuses("balance", twins.act, alice, "deposit", MOST // RAY)
    refuses("insufficient balance", twins.act, alice, "withdraw", MOST // RAY)
    refuses("", twins.act, alice, "withdraw", MOST // RAY + 1)
    for verb in ("deposit", "mint", "withdraw", "redeem"):
        twins.act(bob, verb, 0)
        twins.compare()
    assert twins.act(bob, "mint", 1).amounts["assets"] == 2
    assert twins.act(bob, "withdraw", 1).amounts["shares"] == 1
    twins.act(alice, "withdraw", most)
    twins.compare()


EDGES = [powers_of_a_rate, a_year_of_touches, rates_at_the_limit, amounts_at_the_limit]
