"""Uniswap v3 on a local chain: everything around one pool, deployed from the registry's artefacts, with test tokens."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, create_address, deploy
from tidemill.chain.types import Call
from tidemill.errors import RpcError
from tidemill.venues.uniswap_v3.client_place import V3Deployment

__all__ = ["LocalToken", "deploy_local", "endow"]

_MAKER = "0x" + "7e" * 20
_GOVERNOR = "0x" + "60" * 20
_U256_MAX = (1 << 256) - 1
_SPACING = {500: 10, 3000: 60, 10_000: 200}


class LocalToken(Struct, frozen=True):
    """A test token that stands for ``id`` (``USDC@op``); ``address`` where it stands on the chain already."""

    id: str
    decimals: int
    address: str = ""


def deploy_local(
    anvil: Anvil,
    token0: LocalToken,
    token1: LocalToken,
    *,
    fee: int,
    sqrt_price_x96: int | None,
    governor: str = _GOVERNOR,
    tick_spacing: int | None = None,
) -> V3Deployment:
    """Deploy factory, manager, router, callee and those of two tokens that do not stand yet, and make the pool.

    Parameters
    ----------
    token0, token1 : in the pool's order; the test tokens' addresses are made to sort that way. Where they stand
        already, both must, and sort so.
    fee : in millionths; tiers that the factory does not know are enabled with a spacing of ``fee // 50``.
    sqrt_price_x96 : initial price, Q64.96; ``None`` leaves the pool to be initialised.
    governor : owner of the factory, who may set the protocol's share.
    tick_spacing : of a tier that the factory does not know.
    """
    weth, factory = AddressOf("weth"), AddressOf("factory")
    stack = [
        Deployment("weth", "WETH9"),
        Deployment("factory", "UniswapV3Factory"),
        # The descriptor only draws pictures: any address does.
        Deployment("manager", "NonfungiblePositionManager", (factory, weth, governor)),
        Deployment("router", "SwapRouter", (factory, weth)),
        Deployment("callee", "PoolCallee"),
    ]
    at = deploy(anvil, governor, stack)
    addresses = token0.address, token1.address
    if not all(addresses):
        for maker, token in zip(_sorting_makers(anvil), (token0, token1), strict=True):
            symbol = token.id.partition("@")[0]
            at |= deploy(anvil, maker, [Deployment(token.id, "TestToken", (f"Test {symbol}", symbol, token.decimals))])
        addresses = at[token0.id], at[token1.id]
    factory_abi, pool_abi = Abi(artefact("UniswapV3Factory").abi), Abi(artefact("UniswapV3Pool").abi)
    spacing = _SPACING.get(fee, tick_spacing or max(1, fee // 50))
    calls = []
    if fee not in _SPACING:
        calls.append((governor, Call(at["factory"], factory_abi.encode("enableFeeAmount", fee, spacing))))
    calls.append((governor, Call(at["factory"], factory_abi.encode("createPool", *addresses, fee))))
    _run(anvil, calls, "creating the pool")
    answer = anvil.rpc.call(at["factory"], factory_abi.encode("getPool", *addresses, fee))
    (pool,) = factory_abi.decode("getPool", answer)
    if sqrt_price_x96 is not None:
        _run(anvil, [(governor, Call(pool, pool_abi.encode("initialize", sqrt_price_x96)))], "initialising the pool")
    ids = token0.id, token1.id
    return V3Deployment(pool, at["manager"], at["router"], *addresses, ids, fee, spacing, at["callee"])


def endow(anvil: Anvil, at: V3Deployment, who: Iterable[str], amount0: int, amount1: int, *, wei: int = 10**24) -> None:
    """Give each address test tokens and native wei, and let the callee take their tokens (for the core's verbs)."""
    token = Abi(artefact("TestToken").abi)
    calls = []
    for address in who:
        anvil.set_balance(address, wei)
        for contract, amount in ((at.token0, amount0), (at.token1, amount1)):
            calls.append((address, Call(contract, token.encode("mint", address, amount))))
            calls.append((address, Call(contract, token.encode("approve", at.callee, _U256_MAX))))
    _run(anvil, calls, "endowing")


def _sorting_makers(anvil: Anvil) -> tuple[str, str]:
    first = _MAKER
    low = create_address(first, anvil.rpc.nonce(first))
    for attempt in range(1, 64):
        second = "0x" + f"{int(_MAKER, 16) + attempt:040x}"
        if low < create_address(second, anvil.rpc.nonce(second)):
            return first, second
    raise RpcError("63 addresses in a row sort below the first token's: not a fresh chain")


def _run(anvil: Anvil, calls: list[tuple[str, Call]], what: str) -> None:
    _block, receipts = anvil.mine(calls)
    if not all(receipt.status for receipt in receipts):
        raise RpcError(f"{what} on the local chain reverted")
