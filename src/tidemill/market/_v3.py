"""The v3 rules that the market room uses, on plain integers."""

from __future__ import annotations

from functools import cache

_Q96 = 1 << 96
_R = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


@cache
def sqrt_ratio_at_tick(tick: int) -> int:
    r = 1 << 128
    for k in range(20):
        if abs(tick) >> k & 1:
            r = r * _R[k] >> 128
    if tick > 0:
        r = ((1 << 256) - 1) // r
    return (r >> 32) + (1 if r & 0xFFFFFFFF else 0)


def amount0_delta(a: int, b: int, liquidity: int, up: bool) -> int:
    if a > b:
        a, b = b, a
    n = (liquidity << 96) * (b - a)
    return -(-(-(-n // b)) // a) if up else n // b // a


def amount1_delta(a: int, b: int, liquidity: int, up: bool) -> int:
    n = liquidity * abs(b - a)
    return -(-n // _Q96) if up else n // _Q96


def swap_step(price: int, target: int, liquidity: int, rem: int, z: bool, exact_in: bool, fee: int):
    if exact_in:
        net = rem * (1_000_000 - fee) // 1_000_000
        ain = amount0_delta(target, price, liquidity, True) if z else amount1_delta(price, target, liquidity, True)
        if net >= ain:
            new = target
        elif z:
            n1 = liquidity << 96
            new = -(-(n1 * price) // (n1 + net * price)) if net else price
        else:
            new = price + (net << 96) // liquidity
    else:
        out = amount1_delta(target, price, liquidity, False) if z else amount0_delta(price, target, liquidity, False)
        if rem >= out:
            new = target
        elif z:
            new = price - -(-(rem << 96) // liquidity)
        else:
            n1 = liquidity << 96
            new = -(-(n1 * price) // (n1 - rem * price))
    full = new == target
    ain = amount0_delta(new, price, liquidity, True) if z else amount1_delta(price, new, liquidity, True)
    out = amount1_delta(new, price, liquidity, False) if z else amount0_delta(price, new, liquidity, False)
    if not exact_in:
        out = min(out, rem)
    f = rem - ain if exact_in and not full else -(-ain * fee // (1_000_000 - fee))
    return new, ain, out, f
