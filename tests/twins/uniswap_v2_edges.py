"""Places of Uniswap v2 that random lives hardly ever reach: first shares, full reserves, late clocks, exact products."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from eth_hash.auto import keccak

from harness import assert_same, both
from harness.actors import actor
from harness.book import Ctx
from harness.contract import deploy
from harness.driver import refused
from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Action, Event, Revert
from tidemill.venues.uniswap_v2.state import ExchangeState
from twins.uniswap_v2_twin import Twins

PAIR = (0, 1)
FULL = (1 << 112) - 1
DAY = 86_400
MINTED = "UniswapV2: INSUFFICIENT_LIQUIDITY_MINTED"
BURNED = "UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED"
OVERFLOW = "UniswapV2: OVERFLOW"
UNDERFLOW = "ds-math-sub-underflow"
UNPAID = "TransferHelper: TRANSFER_FROM_FAILED"


def fresh(reserves: tuple[int, int] | None = (10**12, 10**12), seed: int = 0) -> tuple[Twins, list[str]]:
    """Twins whose first actor has made one pair, if ``reserves`` are given."""
    twins = Twins((18, 18, 18), seed)
    actors = list(twins.real.actors.values())
    if reserves:
        add(twins, actors[0], *reserves)
    return twins, actors


def add(twins: Twins, who: str, amount0: int, amount1: int, least: Sequence[int] = (0, 0), late: int = 0) -> None:
    """Add liquidity ``late`` seconds after the deadline."""
    twins.add(PAIR, who, [amount0, amount1], list(least), twins.real.deadline() - late)


def remove(twins: Twins, who: str, liquidity: int, least: Sequence[int] = (0, 0)) -> None:
    """Remove liquidity."""
    twins.remove(PAIR, who, liquidity, list(least))


def send(twins: Twins, who: str, place: int, amount: int) -> None:
    """Send a token (0, 1) or shares (2) to the pair."""
    contract = twins.real.pairs[PAIR] if place == 2 else twins.real.tokens[place]
    twins.send(PAIR, who, contract, twins.lps[PAIR] if place == 2 else twins.ids[place], amount)


def reserves(twins: Twins) -> tuple[int, int]:
    """The pair's reserves."""
    held: tuple[int, int] = twins.real.pairs[PAIR].view("getReserves")[:2]
    return held


def first_shares() -> None:
    """A thousand shares stay for ever: deposits of 999, 1,000 and 1,001, by the router and at the pair itself."""
    for amounts, reason in (((999, 999), UNDERFLOW), ((1_000, 1_000), MINTED), ((1, 1_002_000), MINTED)):
        for by_router in (True, False):
            twins, (alice, *_) = fresh(None)
            if by_router:
                refused(reason, twins, lambda t=twins, a=amounts, who=alice: add(t, who, *a))
                continue
            for place in (0, 1):
                send(twins, alice, place, amounts[place])
            refused(reason, twins, lambda t=twins, who=alice: t.mint(PAIR, who))
    twins, (alice, bob, _) = fresh(None)
    refused("", twins, lambda: remove(twins, alice, 0))
    refused("halt InvalidFEOpcode", twins, lambda: twins.burn(PAIR, alice))
    add(twins, alice, 1_001, 1_001)
    twins.compare()
    refused(MINTED, twins, lambda: twins.mint(PAIR, bob))
    refused(UNDERFLOW, twins, lambda: remove(twins, alice, 2))
    refused(BURNED, twins, lambda: remove(twins, alice, 0))
    remove(twins, alice, 1)
    twins.compare()
    assert twins.real.pairs[PAIR].view("totalSupply") == 1_000
    add(twins, bob, 3, 2)  # 2 and 2, at the ratio
    twins.compare()
    assert reserves(twins) == (1_002, 1_002)


def full_reserves() -> None:
    """Reserves end at 2^112 - 1: every verb that would write more down refuses, and skim mends it."""
    for place in (0, 1):
        twins, (alice, bob, _) = fresh()
        send(twins, alice, place, FULL - 10**12)
        twins.plain("sync", PAIR, alice)
        twins.compare()
        assert reserves(twins)[place] == FULL
        send(twins, alice, place, 1)
        refused(OVERFLOW, twins, lambda t=twins, who=bob: t.plain("sync", PAIR, who))
        send(twins, alice, place, 10**30)
        for act in (
            lambda t=twins, who=alice, p=place: t.pair_swap(PAIR, who, [p, 1 - p]),
            lambda t=twins, who=bob: t.mint(PAIR, who) if _bring(t, who) else None,
            lambda t=twins, who=alice: add(t, who, *reserves(t)),
            lambda t=twins, who=alice, p=place: t.swap("swap_exact_in", who, [p, 1 - p], 10**30, 0),
            lambda t=twins, who=alice, p=place: t.swap("swap_exact_out", who, [p, 1 - p], 10**8, 1 << 117),
        ):
            refused(OVERFLOW, twins, act)
        for burn in (lambda t=twins, who=alice: _leave_one(t, who), lambda t=twins, who=alice: remove(t, who, 10)):
            send(twins, alice, place, FULL)
            refused(OVERFLOW, twins, burn)
        twins.plain("skim", PAIR, bob)
        twins.compare()
        twins.plain("sync", PAIR, bob)
        twins.compare()


def _bring(twins: Twins, who: str) -> bool:
    for place in (0, 1):
        send(twins, who, place, 1 << 112)
    return True


def _leave_one(twins: Twins, who: str) -> None:
    send(twins, who, 2, 10)
    twins.burn(PAIR, who)


def the_protocols_share() -> None:
    """Switched on and off around growth: the share comes for growth since it was on, at deposits and withdrawals only."""
    twins, (alice, bob, carol) = fresh((10**20, 3 * 10**20))
    lp = twins.real.pairs[PAIR]

    def earned() -> int:
        held: int = lp.view("balanceOf", twins.real.fee_to)
        return held

    def grow() -> None:
        twins.swap("swap_exact_in", carol, [0, 1], 10**19, 0)
        twins.swap("swap_exact_out", carol, [1, 0], 10**19, 1 << 117)
        twins.compare()

    def step(act: Callable[[], object], *, pays: bool, k_last: bool) -> None:
        before = earned()
        act()
        twins.compare()
        assert (earned() > before, lp.view("kLast") > 0) == (pays, k_last)

    grow()
    step(lambda: add(twins, bob, 10**18, 10**18), pays=False, k_last=False)
    twins.set_fee_to(on=True)
    grow()
    step(lambda: add(twins, bob, 10**18, 10**18), pays=False, k_last=True)  # from here on it counts
    step(lambda: remove(twins, bob, 10**15), pays=False, k_last=True)  # nothing grew
    grow()
    step(lambda: remove(twins, bob, 10**15), pays=True, k_last=True)
    grow()
    step(lambda: add(twins, bob, 10**18, 10**18), pays=True, k_last=True)
    grow()
    twins.set_fee_to(on=False)
    step(lambda: twins.plain("sync", PAIR, bob), pays=False, k_last=True)
    step(lambda: remove(twins, bob, 10**15), pays=False, k_last=False)  # what grew is not taken
    twins.set_fee_to(on=True)
    grow()
    step(lambda: remove(twins, bob, 10**15), pays=False, k_last=True)
    grow()
    twins.set_fee_to(on=False)
    twins.set_fee_to(on=True)  # off and on again unnoticed: it goes on counting
    step(lambda: add(twins, alice, 10**18, 10**18), pays=True, k_last=True)
    twins.set_fee_to(on=False)
    step(lambda: add(twins, alice, 10**18, 10**18), pays=False, k_last=False)


def the_smallest_share_of_the_protocol() -> None:
    """Growth of the root by nothing, by one and by a little: the share rounds down, by pay-ins of single units."""
    for supply in (1_001, 10**6, 10**12):
        twins, (alice, *_) = fresh(None)
        twins.set_fee_to(on=True)
        add(twins, alice, supply, supply)
        for grown in (1, 1, 3, 6, supply // 5):
            for place in (0, 1):
                send(twins, alice, place, grown)
            twins.plain("sync", PAIR, alice)
            twins.compare()
            send(twins, alice, 2, 1)
            twins.burn(PAIR, alice) if twins.real.pairs[PAIR].view("balanceOf", alice) else None
            twins.compare()
            add(twins, alice, *reserves(twins))
            twins.compare()


def the_product_exactly() -> None:
    """The product may stay what it was and not fall by one unit; all 3/1000 count, also of what is given back at once."""
    # (997 k + 997)(1001 j - out) = 997 k · 1001 j  at k = 1000, out = j: in 1,000, of which 997 count.
    for j in (1, 7, 10**15):
        for out, reason in ((j + 1, "UniswapV2: K"), (j, None)):
            twins, (_, bob, _) = fresh((997_000, 1_001 * j))
            send(twins, bob, 0, 1_000)
            if reason:
                refused(reason, twins, lambda t=twins, o=out, who=bob: t.pair_swap(PAIR, who, [0, o]))
            else:
                twins.pair_swap(PAIR, bob, [0, out])
                twins.compare()
    for place in (0, 1):  # one token lent and paid back: 1,000 of it cost 1,004, rounded up
        for fee, reason in ((3, "UniswapV2: K"), (4, None)):
            twins, (_, bob, _) = fresh((10**9, 10**9))
            send(twins, bob, place, 1_000 + fee)
            out = [0, 0]
            out[place] = 1_000
            if reason:
                refused(reason, twins, lambda t=twins, o=out, who=bob: t.pair_swap(PAIR, who, o))
            else:
                twins.pair_swap(PAIR, bob, out)
                twins.compare()


def what_a_swap_may_take() -> None:
    """Nothing, all of a reserve, all but one unit; without payment."""
    twins, (_, bob, _) = fresh((10**6, 10**6))
    for out, reason in (
        ([0, 0], "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT"),
        ([10**6, 0], "UniswapV2: INSUFFICIENT_LIQUIDITY"),
        ([0, 10**6], "UniswapV2: INSUFFICIENT_LIQUIDITY"),
        ([10**6 - 1, 0], "UniswapV2: INSUFFICIENT_INPUT_AMOUNT"),
        ([0, 10**6 - 1], "UniswapV2: INSUFFICIENT_INPUT_AMOUNT"),
    ):
        refused(reason, twins, lambda o=out: twins.pair_swap(PAIR, bob, o))
    for path in ([0, 1], [1, 0]):
        refused(
            UNDERFLOW,
            twins,
            lambda t=twins, p=path: t.swap("swap_exact_out", t.real.actors["bob"], p, 10**6 + 1, 1 << 117),
        )
        refused(
            "halt InvalidFEOpcode",
            twins,
            lambda t=twins, p=path: t.swap("swap_exact_out", t.real.actors["bob"], p, 10**6, 1 << 117),
        )
        twins.swap("swap_exact_out", bob, path, 10**6 - 1, 1 << 117)
        twins.compare()
        twins.swap("swap_exact_in", bob, path[::-1], 1 << 60, 0)
        twins.compare()
        twins, (_, bob, _) = fresh((10**6, 10**6))


def limits_of_the_router() -> None:
    """Every limit at its value and one beyond; a second too late; what nobody has."""
    twins, (alice, bob, _) = fresh((10**9, 2 * 10**9))
    a, b = "UniswapV2Router: INSUFFICIENT_A_AMOUNT", "UniswapV2Router: INSUFFICIENT_B_AMOUNT"
    refused(b, twins, lambda: add(twins, bob, 500, 5_000, (0, 1_001)))
    add(twins, bob, 500, 5_000, (0, 1_000))
    add(twins, bob, 500, 1_000, (500, 1_000))
    refused(a, twins, lambda: add(twins, bob, 5_000, 500, (251, 0)))
    add(twins, bob, 5_000, 500, (250, 0))
    twins.compare()
    refused("UniswapV2Router: EXPIRED", twins, lambda: add(twins, bob, 500, 5_000, late=1))
    refused("UniswapV2Library: INSUFFICIENT_AMOUNT", twins, lambda: add(twins, bob, 0, 5_000))
    refused("UniswapV2Library: INSUFFICIENT_AMOUNT", twins, lambda: add(twins, bob, 5_000, 0))
    refused(UNPAID, twins, lambda: add(twins, bob, 1 << 118, 1 << 119))
    fair = [held * 1_000 // twins.real.pairs[PAIR].view("totalSupply") for held in reserves(twins)]
    refused(a, twins, lambda: remove(twins, alice, 1_000, (fair[0] + 1, 0)))
    refused(b, twins, lambda: remove(twins, alice, 1_000, (0, fair[1] + 1)))
    refused(a, twins, lambda: remove(twins, alice, 1_000, (fair[0] + 1, fair[1] + 1)))
    remove(twins, alice, 1_000, fair)
    twins.compare()
    for verb, amount, reason in (
        ("swap_exact_in", 10**5, "UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT"),
        ("swap_exact_out", 10**5, "UniswapV2Router: EXCESSIVE_INPUT_AMOUNT"),
    ):
        exact_in = verb == "swap_exact_in"
        addresses = [twins.real.tokens[i].address for i in (0, 1)]
        quote = twins.real.router.view("getAmountsOut" if exact_in else "getAmountsIn", amount, addresses)
        fair_one = quote[1] if exact_in else quote[0]
        beyond = fair_one + (1 if exact_in else -1)
        refused(reason, twins, lambda v=verb, n=amount, x=beyond: twins.swap(v, bob, [0, 1], n, x))
        late = twins.real.deadline() - 1
        refused(
            "UniswapV2Router: EXPIRED",
            twins,
            lambda v=verb, n=amount, x=fair_one, d=late: twins.swap(v, bob, [0, 1], n, x, d),
        )
        twins.swap(verb, bob, [0, 1], amount, fair_one)
        twins.compare()
        empty = "INPUT" if exact_in else "OUTPUT"
        refused(
            f"UniswapV2Library: INSUFFICIENT_{empty}_AMOUNT", twins, lambda v=verb: twins.swap(v, bob, [0, 1], 0, 0)
        )
        for path in ([0, 2], [2, 1], [0, 1, 2], [2, 0, 1]):
            refused(
                "UniswapV2Library: INSUFFICIENT_LIQUIDITY",
                twins,
                lambda v=verb, p=path: twins.swap(v, bob, p, 10**4, 1 << 117 if v == "swap_exact_out" else 0),
            )
        refused("UniswapV2Library: INVALID_PATH", twins, lambda v=verb: twins.swap(v, bob, [0], 10, 0))
        refused("UniswapV2Library: IDENTICAL_ADDRESSES", twins, lambda v=verb: twins.swap(v, bob, [0, 1, 1], 10, 0))
    refused(UNPAID, twins, lambda: twins.swap("swap_exact_in", bob, [0, 1], 1 << 118, 0))


def no_limits_at_all() -> None:
    """An intent may leave every limit out: nothing is too little or too much, and no time too late."""
    twins, (alice, *_) = fresh((10**9, 2 * 10**9))
    router, account = twins.real.router, twins.accounts[PAIR]
    ends = [twins.real.tokens[0].address, twins.real.tokens[1].address]
    path, late = {"token_in": twins.ids[0], "pair": account}, (1 << 256) - 1
    units = {"pair": account, "amount0_desired": 1, "amount1_desired": 1}
    for function, args, action in (
        ("swapExactTokensForTokens", (2, 0, ends), Action("swap_exact_in", {**path, "amount_in": 2})),
        (
            "swapExactTokensForTokens",
            (1, 0, ends[::-1]),
            Action("swap_exact_in", {**path, "token_in": twins.ids[1], "amount_in": 1}),
        ),
        ("swapTokensForExactTokens", (10**5, late, ends), Action("swap_exact_out", {**path, "amount_out": 10**5})),
        ("addLiquidity", (*ends, 1, 1, 0, 0), Action("add_liquidity", units)),
        ("addLiquidity", (*ends[::-1], 1, 1, 0, 0), Action("add_liquidity", {**units, "first": twins.ids[1]})),
        ("removeLiquidity", (*ends, 1, 0, 0), Action("remove_liquidity", {"pair": account, "liquidity": 1})),
    ):
        reason = ""
        try:
            _, made = both(
                lambda f=function, a=args: router.send(alice, f, *a, alice, late),
                lambda a=action: twins.model.do(alice, a),
            )
            twins.overhear(twins.real.pairs[PAIR])
        except Revert as revert:
            reason = revert.reason
        assert reason in ("", MINTED, BURNED, "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT"), function
        if function == "swapTokensForExactTokens":
            assert (made.features["allowances_left"], made.features["allowances_used_up"]) == (1, 0)
        twins.compare()


def tokens_without_a_pair() -> None:
    """A token that the factory has no pair for: nobody answers, and both say nothing."""
    twins, (alice, *_) = fresh()
    stranger = deploy(twins.evm, actor("stranger"), "TestToken", "Stranger", "STR", 18).address
    for function, verb in (
        ("swapExactTokensForTokens", "swap_exact_in"),
        ("swapTokensForExactTokens", "swap_exact_out"),
    ):
        amount = "amount_in" if verb == "swap_exact_in" else "amount_out"
        for path in ([twins.real.tokens[0].address, stranger], [stranger, twins.real.tokens[0].address]):
            ids = ">".join(twins.ids[0] if one != stranger else "STR@test" for one in path)
            action = Action(verb, {"path": ids, amount: 10}, {"deadline": twins.real.deadline()})
            refused(
                "",
                twins,
                lambda f=function, p=path, a=action: both(
                    lambda: twins.real.router.send(alice, f, 10, 0, p, alice, twins.real.deadline()),
                    lambda: twins.model.do(alice, a),
                ),
            )


def clocks_beyond_32_bits() -> None:
    """Seconds are kept modulo 2^32 and the accumulators modulo 2^256, over the end of either and over a whole round."""
    round_ = 1 << 32
    twins, (alice, bob, _) = fresh((10**18, 3 * 10**6))
    twins.evm.at(2, round_ - 5)
    twins.plain("sync", PAIR, alice)
    for seconds in (4, 1, 1, 0, 3, DAY, round_ - 1, round_, round_ + 1, 5):
        twins.evm.advance(seconds=seconds)
        twins.swap("swap_exact_in", bob, [0, 1], 10**15, 0)
        twins.compare()
        twins.swap("swap_exact_in", bob, [1, 0], 10**4, 0)
        twins.compare()
    state, wrapping = twins.model.state.pairs[twins.accounts[PAIR]], (1 << 256) - 3
    for slot, names in ((9, "price0_cumulative"), (10, "price1_cumulative")):
        twins.evm.set_storage(twins.accounts[PAIR], slot, wrapping)
        setattr(state, names, wrapping)
        setattr(twins.seen.pairs[twins.accounts[PAIR]], names, wrapping)
    twins.compare()
    twins.evm.advance(seconds=DAY)
    twins.plain("sync", PAIR, alice)
    twins.compare()


def an_empty_pair_keeps_no_price() -> None:
    """Nothing accrues while one reserve is empty, and the clock runs all the same."""
    for place in (0, 1):
        twins, (alice, *_) = fresh(None)
        for seconds in (0, 10, 10):
            twins.evm.advance(seconds=seconds)
            send(twins, alice, place, 5_000)
            twins.plain("sync", PAIR, alice)
            twins.compare()
        refused("UniswapV2Library: INSUFFICIENT_LIQUIDITY", twins, lambda t=twins, who=alice: add(t, who, 10**6, 10**6))
        twins.plain("skim", PAIR, alice)
        send(twins, alice, 1 - place, 10**6)
        refused(UNDERFLOW, twins, lambda t=twins, who=alice: t.mint(PAIR, who))
        send(twins, alice, place, 10**6)
        twins.mint(PAIR, alice)
        twins.compare()


def tokens_that_vanish() -> None:
    """A token that takes balances away (a rebase down) leaves the pair with less than it wrote down."""
    for place in (0, 1):
        twins, (_, bob, _) = fresh()
        token, account = twins.real.tokens[place], twins.accounts[PAIR]
        held = token.view("balanceOf", account) - 7
        key = keccak((0).to_bytes(32, "big") + bytes.fromhex(account[2:]).rjust(32, b"\0"))
        twins.evm.set_storage(token.address, int.from_bytes(key, "big"), held)
        twins.model.book.held[twins.ids[place], account] = held
        twins.compare()
        for act in (lambda t=twins, who=bob: t.plain("skim", PAIR, who), lambda t=twins, who=bob: t.mint(PAIR, who)):
            refused(UNDERFLOW, twins, act)
        twins.plain("sync", PAIR, bob)
        twins.compare()
        assert reserves(twins)[place] == 10**12 - 7
        add(twins, bob, 10**6, 10**6)
        twins.compare()


def shares_at_odd_places() -> None:
    """Shares sent to the zero address are lost, not redeemed; those lying at the pair go with the next burn."""
    twins, (alice, bob, _) = fresh()
    lp, nobody = twins.real.pairs[PAIR], "0x" + "00" * 20
    lp.send(alice, "transfer", nobody, 5_000)
    twins.overhear(lp)
    twins.model.book.held[twins.lps[PAIR], alice] -= 5_000
    twins.compare()
    send(twins, alice, 2, 10_000)
    add(twins, bob, 10**6, 10**6)
    remove(twins, bob, 100)
    twins.compare()
    refused(BURNED, twins, lambda: twins.burn(PAIR, bob))
    # A burn that pays the pair itself leaves its reserves as they were; only the reader of logs is told of it.
    send(twins, alice, 2, lp.view("balanceOf", alice))  # nearly all there are, so that one unit more or less shows
    before = reserves(twins)
    lp.send(alice, "burn", twins.accounts[PAIR])
    twins.overhear(lp)
    assert reserves(twins) == before
    for name in ("getReserves", "totalSupply", "kLast"):
        assert_same(lp.view(name), twins.log_reader.read(twins.seen, name, twins.accounts[PAIR]))


def logs_that_contradict() -> None:
    """A log in which one number is off by one is refused; so is one that leaves out or invents the protocol's share."""
    twins, (alice, bob, _) = fresh((10**20, 3 * 10**20))
    twins.set_fee_to(on=True)
    add(twins, alice, 10**18, 10**18)
    twins.swap("swap_exact_in", bob, [0, 1], 10**19, 0)
    shares_taken = 0
    fields = ("value", "reserve0", "reserve1", "amount0", "amount1", "amount0Out", "amount1In")
    for prepare, act, spoilt_fields in (
        (None, lambda: add(twins, alice, 10**18, 10**18), 6),
        (lambda: send(twins, bob, 1, 10**18), lambda: twins.pair_swap(PAIR, bob, _bought(twins, 10**18)), 4),
        (None, lambda: remove(twins, alice, 10**17), 6),
    ):
        spoilt_ones = 0
        if prepare:
            prepare()
        saved = _copy_of(twins.seen)
        act()
        events = list(twins.heard)
        assert_same(None, _mismatch(twins, saved, events), "the log itself")
        for field in fields:
            for number, event in enumerate(events):
                if field not in event.args or (event.name == "Transfer" and event.args["from"] == alice):
                    continue
                # A burn takes from whatever lies there, so that its reserves show in what it pays, and coarsely.
                by = 10**6 if field.startswith("reserve") else 1
                spoilt = Event(event.name, {**event.args, field: int(event.args[field]) + by})
                assert _mismatch(twins, saved, [*events[:number], spoilt, *events[number + 1 :]]), (event, field)
                spoilt_ones += 1
        assert spoilt_ones == spoilt_fields
        silent = [e for e in events if e.name != "Transfer" or e.args["to"] != twins.real.fee_to]
        if silent != events:
            assert _mismatch(twins, saved, silent), "the protocol's share is left out"
            off = _copy_of(saved)
            off.fee_to = ""
            assert _mismatch(twins, off, events), "the protocol's share comes while it is off"
            shares_taken += 1
    assert shares_taken == 2
    breaking = Event(
        "Swap", {"pair": twins.accounts[PAIR], "amount0In": 0, "amount1In": 0, "amount0Out": 5, "amount1Out": 0}
    )
    held = reserves(twins)
    sync = Event("Sync", {"pair": twins.accounts[PAIR], "reserve0": held[0] - 5, "reserve1": held[1]})
    assert "breaks the product" in str(_mismatch(twins, twins.seen, [sync, breaking]))


def _bought(twins: Twins, amount: int) -> list[int]:
    """What so much of token1 buys, all but a millionth of it."""
    reserve0, reserve1 = reserves(twins)
    return [amount * 997 * reserve0 // (reserve1 * 1000 + amount * 997) * 999_999 // 10**6, 0]


def _copy_of(state: ExchangeState) -> ExchangeState:
    return copy.deepcopy(state)


def _mismatch(twins: Twins, state: ExchangeState, events: list[Event]) -> str | None:
    """What replaying the events onto a copy of a state says against them."""
    scratch = _copy_of(state)
    try:
        for event in events:
            twins.log_reader.replay(scratch, event, Ctx(twins.evm.block, "", twins.model.book))
    except ReplayMismatch as mismatch:
        return str(mismatch)
    return None


EDGES = (
    first_shares,
    full_reserves,
    the_protocols_share,
    the_smallest_share_of_the_protocol,
    the_product_exactly,
    what_a_swap_may_take,
    limits_of_the_router,
    no_limits_at_all,
    tokens_without_a_pair,
    clocks_beyond_32_bits,
    an_empty_pair_keeps_no_price,
    tokens_that_vanish,
    shares_at_odd_places,
    logs_that_contradict,
)
