"""What is asked of a Uniswap v3 pool rather than done to it: views, its log read back, and going back in time."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

from tidemill.interfaces import Action, Block, Event
from tidemill.venues.uniswap_v3.rules import sqrt_ratio_at_tick
from twins.uniswap_v3_market import CASES, Market
from twins.uniswap_v3_reverts import ABOVE, BELOW, E18, IN, NONE, PRICE, prepared
from twins.uniswap_v3_twin import GLOBALS, Twin

LOGGED_AMOUNTS = {
    "Mint": ("amount0", "amount1"),
    "Burn": ("amount0", "amount1"),
    "Swap": ("amount0", "amount1", "sqrtPriceX96", "liquidity", "tick"),
}
"""What an event says that the model must find by itself; the rest says what was asked for."""


def refused(ask: Any) -> str:
    """Why a view is refused."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - Revert or BadInput of whichever errors module is loaded
        return str(getattr(error, "reason", repr(error)))
    raise AssertionError("it was answered")


def views_refuse_alike() -> None:
    """What is not there, not yet or no longer, for the same reason on both."""
    fresh, twin = prepared("fresh"), prepared()
    twin.act("pool_mint", twin.actors[0], **BELOW, liquidity=E18)
    for world, query, args, reason in (
        (fresh, "observe", ([0],), "I"),
        (twin, "observe", ([1],), "OLD"),
        (twin, "snapshotCumulativesInside", (-60, 60), ""),
        (twin, "snapshotCumulativesInside", (-600, 60), ""),
        (twin, "snapshotCumulativesInside", (-60, 600), ""),
        (twin, "snapshotCumulativesInside", (60, 60), "TLU"),
        (twin, "snapshotCumulativesInside", (600, 600), "TLU"),
        (twin, "snapshotCumulativesInside", (600, -600), "TLU"),
    ):
        assert refused(lambda w=world, q=query, a=args: w.view(q, *a, now=True)) == reason
    for query, reason in (("positions", "Invalid token ID"), ("ownerOf", "ERC721: owner query for nonexistent token")):
        assert refused(lambda q=query: twin.real.manager.view(q, 77)) == reason
        assert refused(lambda q=query: twin.model.read(twin.state, q, 77)) == reason
    for query in ("principal", "claimable"):
        assert refused(lambda q=query: twin.model.read(twin.state, q, 77)) == "Invalid token ID"


def views_answer_alike() -> None:
    """Every view of both contracts, with fees, shares, observations and positions to tell of."""
    fresh, twin = prepared("fresh"), prepared()
    alice = twin.actors[0]
    for query in ("slot0", "liquidity", "protocolFees"):
        fresh.view(query)
    for tick in (-600, 600):
        twin.view("ticks", tick)  # nothing below or above it yet: all zero but the liquidity
    twin.act("pool_set_fee_protocol", twin.real.governor, fee_protocol_0=5, fee_protocol_1=9)
    twin.act("pool_increase_observations", alice, observation_cardinality_next=4)
    for seconds, zero_for_one in ((10, True), (20, False), (1, True), (7, False), (30, True)):
        twin.evm.advance(seconds)
        twin.act("pool_swap", alice, zero_for_one=zero_for_one, amount_specified=10**19)
    twin.evm.advance(5)
    twin.act("pool_mint", alice, **BELOW, liquidity=E18)
    twin.act("pool_mint", alice, tick_lower=60, tick_upper=120, liquidity=1)
    twin.evm.advance(9)
    for query in ("slot0", "liquidity", "feeGrowthGlobal0X128", "feeGrowthGlobal1X128", "protocolFees"):
        twin.view(query)
    for query in ("maxLiquidityPerTick", "tickSpacing", "fee"):
        twin.view(query)
    for tick in (-600, 600, 60, 180):
        twin.view("ticks", tick)
    for index in range(5):
        twin.view("observations", index)
    for word in (-1, 0, 1):
        twin.view("tickBitmap", word)
    twin.view("observe", [0, 1, 9, 10, 14, 15, 40, 44], now=True)
    _tokens_answer_alike(twin)
    for owner, lower, upper in twin.state.pool.positions:
        held = twin.model.read(twin.state, "pool_positions", owner, lower, upper)
        assert held == tuple(twin.state.pool.positions[owner, lower, upper])
    assert twin.model.read(twin.state, "pool_positions", "nobody", 1, 2) == (0, 0, 0, 0, 0)
    assert [twin.model.read(twin.state, f"token{i}") for i in (0, 1)] == ["0", "1"]
    assert "has no view 'nothing'" in refused(lambda: twin.model.read(twin.state, "nothing"))
    assert "has no verb 'nothing'" in refused(lambda: twin.model.apply(twin.state, Action("nothing"), twin.book))


def _tokens_answer_alike(twin: Twin) -> None:
    real = [contract.address for contract in (twin.real.token0, twin.real.token1)]
    for token_id, token in twin.state.manager.tokens.items():
        told = list(twin.real.manager.view("positions", token_id))
        mine = twin.model.read(twin.state, "positions", token_id)
        assert [real[int(side)] for side in mine[:2]] == told[2:4]
        assert tuple(told[4:]) == mine[2:]
        assert twin.real.manager.view("ownerOf", token_id) == twin.model.read(twin.state, "ownerOf", token_id)
        assert token.owner == twin.real.manager.view("ownerOf", token_id)


def time_inside_a_range() -> None:
    """`snapshotCumulativesInside` with the price below, in, above and on either end; before and after 2**32 seconds."""
    for time in (1_700_000_000, 2**32 - 40, 2**32 + 1000):
        twin = Twin(fee=3000, time=time)
        who = twin.actors[0]
        twin.act("pool_initialize", who, sqrt_price_x96=PRICE)
        twin.act("pool_mint", who, tick_lower=-12_000, tick_upper=12_000, liquidity=E18)
        for ends in (IN, BELOW, ABOVE):
            twin.act("pool_mint", who, **ends, liquidity=E18)
        for tick, beside in ((-600, 0), (-600, -1), (-600, 1), (-900, 0), (600, -1), (600, 0), (600, 1), (0, 0)):
            twin.evm.advance(13)
            limit = sqrt_ratio_at_tick(tick) + beside
            down = limit < twin.state.pool.sqrt_price_x96
            amount = {"amount_specified": 1 << 200, "sqrt_price_limit_x96": limit}
            twin.act("pool_swap", who, zero_for_one=down, **amount)
            twin.evm.advance(7)
            twin.view("observe", [0, 3, 7], now=True)
            for lower, upper in ((-600, 600), (-1200, -600), (600, 1200), (-1200, 600), (-600, 1200)):
                twin.view("snapshotCumulativesInside", lower, upper, now=True)


def _taken_back(twin: Twin, verb: str, who: str, **args: Any) -> tuple[int, int]:
    """What the contract pays for a verb, which is then taken back."""
    point = twin.evm.snapshot()
    try:
        paid = twin.real.act(verb, who, **args)
    finally:
        twin.evm.restore(point)
    return paid["amount0"], paid["amount1"]


def tokens_are_worth_what_the_manager_pays() -> None:
    """`principal` is what taking all liquidity out gives, `claimable` what collecting all pays, wherever the price is."""
    twin = prepared()
    alice, bob, _ = twin.actors
    twin.act("mint", bob, tick_lower=-1200, tick_upper=1200, amount0_desired=10**20, amount1_desired=10**20)
    twin.act("mint", alice, **BELOW, amount0_desired=0, amount1_desired=10**18 + 7)
    paid = Counter[bool]()
    for number, tick in enumerate((300, -300, -900, -1100, 700, 1100, 0, -1199)):
        down = sqrt_ratio_at_tick(tick) < twin.state.pool.sqrt_price_x96
        limit = {"amount_specified": 1 << 200, "sqrt_price_limit_x96": sqrt_ratio_at_tick(tick) + number}
        twin.act("pool_swap", alice, zero_for_one=down, **limit)
        for token_id, token in twin.state.manager.tokens.items():
            # Pool and token round apart, so that what is paid may be a unit less than what is credited.
            most = {"amount0_max": 1 << 127, "amount1_max": 1 << 127}
            if token.liquidity:
                everything = {"token_id": token_id, "liquidity": token.liquidity}
                got = _taken_back(twin, "decrease", token.owner, **everything)
                assert got == twin.model.read(twin.state, "principal", token_id)
            got = _taken_back(twin, "collect", token.owner, token_id=token_id, **most)
            credited = twin.model.read(twin.state, "claimable", token_id)
            assert all(0 <= a - b <= 1 for a, b in zip(credited, got, strict=True)), (token_id, credited, got)
            paid[got == credited and min(got) > 0 and got[0] != got[1]] += 1
        if number == 3:
            twin.act("decrease", bob, token_id=4, liquidity=10**15)  # owed beside the fees
    assert paid[True] > 10


def log_read_back(told: bool, actions: int) -> None:
    """The pool's own log, replayed on a fresh model, gives the same pool.

    Told how each swap was called, to the last bit; not told, all amounts and prices still reproduce. An event with
    another amount, price, liquidity or tick is refused, and leaves the model as it was.
    """
    twin = Twin(fee=3000)
    fresh = twin.model.init({"token0": "0", "token1": "1", "fee": 3000, "owner": twin.real.governor})
    act, kinds = twin.act, Counter[str]()

    def recorded(verb: str, who: str, **args: Any) -> Any:
        out = act(verb, who, **args)
        for name, values in twin.pool_events:
            how = _how(verb, args, values) if told and name == "Swap" else {}
            if kinds[name] % 10 == 3:
                _refuses_other_amounts(twin, fresh, name, {**values, **how})
            twin.model.replay(fresh, Event(name, {**values, **how}), twin.book)
            kinds[name] += 1
        return out

    twin.act = recorded  # type: ignore[method-assign]
    market = Market(twin, "replay", 0)
    who = twin.actors[0]
    for zero_for_one in (True, False):  # one unit, all of it fee: the price stays
        for amount in (1, 2):
            price = twin.state.pool.sqrt_price_x96
            twin.act("pool_swap", who, zero_for_one=zero_for_one, amount_specified=amount)
            assert twin.state.pool.sqrt_price_x96 == price or amount == 2
    market.run(actions)
    assert kinds["Swap"] > actions // 8 < kinds["Burn"]
    assert kinds["Flash"] > actions // 40 < kinds["CollectProtocol"]
    mine, his = fresh.pool, twin.state.pool
    exact = GLOBALS if told else [g for g in GLOBALS if not g.startswith(("fee_growth", "protocol_fees"))]
    assert [getattr(mine, g) for g in exact] == [getattr(his, g) for g in exact]
    assert len(fresh.journal) == 0
    if told:
        assert (mine.ticks, mine.bitmap, mine.positions) == (his.ticks, his.bitmap, his.positions)
        assert mine.observations == his.observations


def _refuses_other_amounts(twin: Twin, state: Any, name: str, values: dict[str, Any]) -> None:
    before = copy.deepcopy(state)
    for wrong in LOGGED_AMOUNTS.get(name, ()):
        # Far off: a neighbour of an amount or price may be as true, since several calls round to the same swap.
        event = Event(name, {**values, wrong: 3 * values[wrong] + 1})
        assert "does not reproduce" in refused(lambda e=event: twin.model.replay(state, e, twin.book)), (name, wrong)
    assert "is no event" in refused(lambda: twin.model.replay(state, Event("Sold", values), twin.book))
    assert state == before


def _how(verb: str, args: dict[str, Any], values: dict[str, Any]) -> dict[str, int]:
    """How a swap was called, as the market room's typing would say."""
    spent, received = sorted((values["amount0"], values["amount1"]), reverse=True)
    asked = args.get("amount_in", args.get("amount_out", abs(args.get("amount_specified", 0))))
    exact_in = verb == "swap_exact_in" or args.get("amount_specified", -1) > 0
    if asked == (spent if exact_in else -received):
        return {"swap_type": 0 if exact_in else 1}
    return {"swap_type": 2}


def log_read_back_in_short() -> None:
    """`log_read_back`, both ways."""
    for told in (True, False):
        log_read_back(told, 240)


def flashes_that_paid_unequally() -> None:
    """A recorded flash of which each token was paid another surplus: each goes to its own token's growth, whole."""
    twin = prepared()
    pool, asked = twin.state.pool, {"amount0": 10_000, "amount1": 7_000}
    for paid0, paid1 in ((30 + 5, 21 + 9), (30, 21 + 4), (30 + 1, 21)):
        before = pool.fee_growth_global_0_x128, pool.fee_growth_global_1_x128
        twin.model.replay(twin.state, Event("Flash", {**asked, "paid0": paid0, "paid1": paid1}), twin.book)
        grown = pool.fee_growth_global_0_x128 - before[0], pool.fee_growth_global_1_x128 - before[1]
        assert grown == tuple((paid << 128) // pool.liquidity for paid in (paid0, paid1))
    short = Event("Flash", {**asked, "paid0": 30, "paid1": 20})
    assert "does not reproduce" in refused(lambda: twin.model.replay(twin.state, short, twin.book))


def marks_take_back_what_the_chain_takes_back() -> None:
    """The model's marks and the chain's snapshots, nested: both stand in the same state again, and go on from there."""
    market = CASES["030-18-18"].market("going back", mischief=0.2)
    twin, journal = market.twin, market.twin.state.journal
    market.run(20)
    points = []
    for _ in range(3):
        points.append((twin.evm.snapshot(), journal.mark(), dict(twin.book.held), dict(twin.words)))
        market.run(15)
    for snapshot, mark, held, words in reversed(points):
        assert len(journal) > mark
        twin.evm.restore(snapshot)
        journal.rollback(mark)
        twin.book.held, twin.words = held, words
        twin.check_globals()
        twin.check_everything()
        assert len(journal) == mark
    market.run(20)
    assert len(journal) == 0
    # Undone and gone on from, twice, the mark still open; then closed with everything kept.
    snapshot, mark, held, words = twin.evm.snapshot(), journal.mark(), dict(twin.book.held), dict(twin.words)
    market.run(15)
    twin.evm.restore(snapshot)
    journal.undo(mark)
    twin.book.held, twin.words = held, words
    twin.check_globals()
    twin.check_everything()
    market.run(10)
    assert len(journal) > mark
    journal.forget()
    assert len(journal) == 0
    market.run(10)
    assert len(journal) == 0
    twin.check_everything()


def liquidity_in_basis_points() -> None:
    """A decrease by a share of the position takes that share of its liquidity, rounded down."""
    twin = prepared()
    alice = twin.actors[0]
    for bps in (3, 4999, 9999, 10_000):
        liquidity = twin.state.manager.tokens[1].liquidity * bps // 10_000
        apply = twin.model.apply
        told = Action("decrease", {"position": "uniswap_v3#1", "bps": bps})
        twin.model.apply = lambda state, _, ctx, told=told, apply=apply: apply(state, told, ctx)  # type: ignore[method-assign]
        twin.act("decrease", alice, token_id=1, liquidity=liquidity)
        twin.model.apply = apply  # type: ignore[method-assign]
    assert twin.state.manager.tokens[1].liquidity == 0
    none = Action("decrease", {"position": f"uniswap_v3#{NONE}", "bps": 1})
    twin.book.sender = alice
    assert "nonexistent token" in refused(lambda: twin.model.apply(twin.state, none, twin.book))


def foreign_callers_fail_whole() -> None:
    """A context that breaks off an action for a reason of its own leaves no trace either."""
    twin = prepared()
    before = copy.deepcopy(twin.state)

    class Broken:
        sender, block = twin.actors[0], Block(time=1_700_000_000, number=1)

        def balance(self, token: str, account: str) -> int:
            raise KeyError("out of reach")

    swap = Action("pool_swap", {"zero_for_one": True, "amount_specified": 10**18})
    assert "out of reach" in refused(lambda: twin.model.apply(twin.state, swap, Broken()))  # type: ignore[arg-type]
    assert twin.state == before
    assert len(twin.state.journal) == 0


VIEWS = (
    views_refuse_alike,
    views_answer_alike,
    time_inside_a_range,
    tokens_are_worth_what_the_manager_pays,
    log_read_back_in_short,
    flashes_that_paid_unequally,
    marks_take_back_what_the_chain_takes_back,
    liquidity_in_basis_points,
    foreign_callers_fail_whole,
)
