"""How a Uniswap v3 pool logs its events: signatures, topics, and the order and types of arguments."""

from __future__ import annotations

from typing import NamedTuple

from tidemill.market.schema import Kind

__all__ = ["LAYOUTS", "TOPICS", "Layout"]


class Layout(NamedTuple):
    """How a kind is logged: its signature, and (column, type) of indexed and of plain arguments, in order."""

    signature: str
    indexed: tuple[tuple[str, str], ...]
    plain: tuple[tuple[str, str], ...]


_TICKS = (("tick_lower", "int24"), ("tick_upper", "int24"))

LAYOUTS: dict[Kind, Layout] = {
    Kind.SWAP: Layout(
        "Swap(address,address,int256,int256,uint160,uint128,int24)",
        (("sender", "address"), ("recipient", "address")),
        (
            ("amount0", "int256"),
            ("amount1", "int256"),
            ("sqrt_price_x96", "uint160"),
            ("liquidity", "uint128"),
            ("tick", "int24"),
        ),
    ),
    Kind.MINT: Layout(
        "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        (("owner", "address"), *_TICKS),
        (("sender", "address"), ("liquidity", "uint128"), ("amount0", "uint256"), ("amount1", "uint256")),
    ),
    Kind.BURN: Layout(
        "Burn(address,int24,int24,uint128,uint256,uint256)",
        (("owner", "address"), *_TICKS),
        (("liquidity", "uint128"), ("amount0", "uint256"), ("amount1", "uint256")),
    ),
    Kind.COLLECT: Layout(
        "Collect(address,address,int24,int24,uint128,uint128)",
        (("owner", "address"), *_TICKS),
        (("recipient", "address"), ("amount0", "uint128"), ("amount1", "uint128")),
    ),
    Kind.FLASH: Layout(
        "Flash(address,address,uint256,uint256,uint256,uint256)",
        (("sender", "address"), ("recipient", "address")),
        (("amount0", "uint256"), ("amount1", "uint256"), ("paid0", "uint256"), ("paid1", "uint256")),
    ),
    Kind.SET_FEE_PROTOCOL: Layout(
        "SetFeeProtocol(uint8,uint8,uint8,uint8)",
        (),
        (("paid0", "uint8"), ("paid1", "uint8"), ("amount0", "uint8"), ("amount1", "uint8")),
    ),
    Kind.COLLECT_PROTOCOL: Layout(
        "CollectProtocol(address,address,uint128,uint128)",
        (("sender", "address"), ("recipient", "address")),
        (("amount0", "uint128"), ("amount1", "uint128")),
    ),
    Kind.INITIALIZE: Layout("Initialize(uint160,int24)", (), (("sqrt_price_x96", "uint160"), ("tick", "int24"))),
    Kind.INCREASE_OBSERVATIONS: Layout(
        "IncreaseObservationCardinalityNext(uint16,uint16)", (), (("amount0", "uint16"), ("amount1", "uint16"))
    ),
}
"""The pool's nine events (Uniswap v3 core, its published interface)."""

TOPICS: dict[str, Kind] = {
    "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67": Kind.SWAP,
    "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde": Kind.MINT,
    "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c": Kind.BURN,
    "0x70935338e69775456a85ddef226c395fb668b63fa0115f5f20610b388e6ca9c0": Kind.COLLECT,
    "0xbdbdb71d7860376ba52b25a5028beea23581364a40522f6bcfb86bb1f2dca633": Kind.FLASH,
    "0x973d8d92bb299f4af6ce49b52a8adb85ae46b9f214c4c4fc06ac77401237b133": Kind.SET_FEE_PROTOCOL,
    "0x596b573906218d3411850b26a6b437d6c4522fdb43d2d2386263f86d50b8b151": Kind.COLLECT_PROTOCOL,
    "0x98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95": Kind.INITIALIZE,
    "0xac49e518f90a358f652e4400164f05a5d8f7e35e7747279bc3a93dbf584e125a": Kind.INCREASE_OBSERVATIONS,
}
"""First topic (keccak-256 of the signature; a test recomputes them) to kind."""
