# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Callee for the core of a Uniswap v3 pool
@notice TEST ONLY, not audited: anybody may spend what this contract holds.
@dev The core asks for payment in callbacks, so it needs a contract as its caller. Payment comes from the caller's allowance
     (`from_caller`) or from this contract's own balance. Reverts of the pool pass through unchanged. `skimp` (pay that
     much less of each token asked for; below 0: more) and `reenter` make it misbehave on purpose, to reach the pool's own
     checks (IIA, M0, M1, F0, F1, LOK).
"""

interface Token:
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable
    def transferFrom(owner: address, receiver: address, amount: uint256) -> bool: nonpayable

interface Pool:
    def token0() -> address: view
    def token1() -> address: view
    def liquidity() -> uint128: view
    def slot0() -> (uint160, int24, uint16, uint16, uint16, uint8, bool): view
    def swap(recipient: address, zeroForOne: bool, amountSpecified: int256, sqrtPriceLimitX96: uint160, data: Bytes[32]) -> (int256, int256): nonpayable
    def mint(recipient: address, tickLower: int24, tickUpper: int24, amount: uint128, data: Bytes[32]) -> (uint256, uint256): nonpayable
    def burn(tickLower: int24, tickUpper: int24, amount: uint128) -> (uint256, uint256): nonpayable
    def collect(recipient: address, tickLower: int24, tickUpper: int24, amount0Requested: uint128, amount1Requested: uint128) -> (uint128, uint128): nonpayable
    def flash(recipient: address, amount0: uint256, amount1: uint256, data: Bytes[32]): nonpayable

# What the callbacks of the call under way may do. Transient: gone when the transaction ends.
struct Payment:
    pool: address
    payer: address
    skimp: int256
    reenter: bool
    lent0: uint256
    lent1: uint256

_payment: transient(Payment)

SWAP: constant(uint8) = 0
MINT: constant(uint8) = 1
BURN: constant(uint8) = 2
COLLECT: constant(uint8) = 3
FLASH: constant(uint8) = 4

# One action of a batch. `amount0` is the specified amount of a swap, the liquidity of a mint or burn, else of token0.
struct Act:
    kind: uint8
    recipient: address
    zero_for_one: bool
    tick_lower: int24
    tick_upper: int24
    amount0: int256
    amount1: uint256
    sqrt_price_limit_x96: uint160

# What the pool returned, and its state after the action.
struct Outcome:
    amount0: int256
    amount1: int256
    sqrt_price_x96: uint160
    tick: int24
    liquidity: uint128


@external
def swap(pool: address, recipient: address, zero_for_one: bool, amount_specified: int256, sqrt_price_limit_x96: uint160,
         from_caller: bool = True, skimp: int256 = 0, reenter: bool = False) -> (int256, int256):
    """@notice Swap in `pool`; pays the input."""
    self._arm(pool, from_caller, skimp, reenter)
    return extcall Pool(pool).swap(recipient, zero_for_one, amount_specified, sqrt_price_limit_x96, b"")


@external
def mint(pool: address, recipient: address, tick_lower: int24, tick_upper: int24, liquidity: uint128,
         from_caller: bool = True, skimp: int256 = 0, reenter: bool = False) -> (uint256, uint256):
    """@notice Add `liquidity` to the position of `recipient`; pays what the pool asks."""
    self._arm(pool, from_caller, skimp, reenter)
    return extcall Pool(pool).mint(recipient, tick_lower, tick_upper, liquidity, b"")


@external
def flash(pool: address, amount0: uint256, amount1: uint256,
          from_caller: bool = True, skimp: int256 = 0, reenter: bool = False):
    """@notice Borrow and give back at once with the fee."""
    self._arm(pool, from_caller, skimp, reenter)
    self._flash(pool, amount0, amount1)


@external
def batch(pool: address, acts: DynArray[Act, 256], from_caller: bool = True) -> DynArray[Outcome, 256]:
    """
    @notice Do all `acts` in order, or none.
    @dev Burn and collect act on positions of this contract (mint with it as recipient).
    """
    self._arm(pool, from_caller, 0, False)
    outcomes: DynArray[Outcome, 256] = []
    for act: Act in acts:
        outcome: Outcome = empty(Outcome)
        if act.kind == SWAP:
            outcome.amount0, outcome.amount1 = extcall Pool(pool).swap(act.recipient, act.zero_for_one, act.amount0, act.sqrt_price_limit_x96, b"")
        elif act.kind == COLLECT:
            got0: uint128 = 0
            got1: uint128 = 0
            got0, got1 = extcall Pool(pool).collect(act.recipient, act.tick_lower, act.tick_upper, convert(act.amount0, uint128), convert(act.amount1, uint128))
            outcome.amount0 = convert(got0, int256)
            outcome.amount1 = convert(got1, int256)
        elif act.kind == FLASH:
            self._flash(pool, convert(act.amount0, uint256), act.amount1)
        else:
            amount0: uint256 = 0
            amount1: uint256 = 0
            if act.kind == MINT:
                amount0, amount1 = extcall Pool(pool).mint(act.recipient, act.tick_lower, act.tick_upper, convert(act.amount0, uint128), b"")
            else:
                assert act.kind == BURN, "kind"
                amount0, amount1 = extcall Pool(pool).burn(act.tick_lower, act.tick_upper, convert(act.amount0, uint128))
            outcome.amount0 = convert(amount0, int256)
            outcome.amount1 = convert(amount1, int256)
        a: uint16 = 0
        b: uint16 = 0
        c: uint16 = 0
        d: uint8 = 0
        e: bool = False
        outcome.sqrt_price_x96, outcome.tick, a, b, c, d, e = staticcall Pool(pool).slot0()
        outcome.liquidity = staticcall Pool(pool).liquidity()
        outcomes.append(outcome)
    return outcomes


@external
def uniswapV3SwapCallback(amount0_delta: int256, amount1_delta: int256, data: Bytes[32]):
    if amount0_delta > 0:
        self._pay(True, convert(amount0_delta, uint256), 0)
    if amount1_delta > 0:
        self._pay(False, convert(amount1_delta, uint256), 0)


@external
def uniswapV3MintCallback(amount0_owed: uint256, amount1_owed: uint256, data: Bytes[32]):
    if amount0_owed > 0:
        self._pay(True, amount0_owed, 0)
    if amount1_owed > 0:
        self._pay(False, amount1_owed, 0)


@external
def uniswapV3FlashCallback(fee0: uint256, fee1: uint256, data: Bytes[32]):
    self._pay(True, fee0, self._payment.lent0)
    self._pay(False, fee1, self._payment.lent1)


@internal
def _arm(pool: address, from_caller: bool, skimp: int256, reenter: bool):
    payer: address = self
    if from_caller:
        payer = msg.sender
    self._payment = Payment(pool=pool, payer=payer, skimp=skimp, reenter=reenter, lent0=0, lent1=0)


@internal
def _flash(pool: address, amount0: uint256, amount1: uint256):
    # Lent to this contract, so it gives the loan back out of its own balance; the fee comes from the payer.
    self._payment.lent0 = amount0
    self._payment.lent1 = amount1
    extcall Pool(pool).flash(self, amount0, amount1, b"")


@internal
def _pay(zero: bool, due: uint256, lent: uint256):
    payment: Payment = self._payment
    assert msg.sender == payment.pool, "not the pool"
    if payment.reenter:
        extcall Pool(payment.pool).burn(0, 0, 0)
    token: address = empty(address)
    if zero:
        token = staticcall Pool(payment.pool).token0()
    else:
        token = staticcall Pool(payment.pool).token1()
    total: uint256 = convert(max(convert(due + lent, int256) - payment.skimp, 0), uint256)
    back: uint256 = min(lent, total)
    rest: uint256 = total - back
    if back > 0:
        assert extcall Token(token).transfer(payment.pool, back, default_return_value=True)
    if rest > 0:
        if payment.payer == self:
            assert extcall Token(token).transfer(payment.pool, rest, default_return_value=True)
        else:
            assert extcall Token(token).transferFrom(payment.payer, payment.pool, rest, default_return_value=True)
