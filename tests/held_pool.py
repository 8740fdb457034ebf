"""A pool on a local chain, somebody else's liquidity in it, and what one does there: for statements of real positions."""

from __future__ import annotations

from collections.abc import Iterator

from harness import actor
from tidemill.chain.abi_text import abi_of_text
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Filled, Intent, Limits
from tidemill.studies.held.asked import Asked
from tidemill.studies.held.chain import from_chain
from tidemill.studies.held.document import Portfolio
from tidemill.studies.schema import ResultDocument
from tidemill.venues.uniswap_v3.client import UniswapV3Client, V3Deployment
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow

ME, OTHER = actor("alice"), actor("bob")
MIN_OUT = Limits(amounts={"amount_out_min": 1})
ETHER = 10**18
FEE_PRICE = 10**9
ERC721 = abi_of_text(["function safeTransferFrom(address from, address to, uint256 tokenId)"])
USDC, WETH, ETH = "USDC@op-mainnet", "WETH@op-mainnet", "ETH@op-mainnet"
POOL = "uniswap_v3:USDC-WETH-500"


def local_pool() -> Iterator[tuple[Anvil, V3Deployment]]:
    """Run a chain with a pool and two endowed accounts."""
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        at = deploy_local(anvil, LocalToken("USDC@op", 18), LocalToken("WETH@op", 18), fee=500, sqrt_price_x96=1 << 96)
        endow(anvil, at, [ME, OTHER], 1 << 110, 1 << 110)
        yield anvil, at


class World:
    """A pool with somebody else's liquidity, and what I do in it; ``paid`` is what I paid for gas."""

    def __init__(self, anvil: Anvil, at: V3Deployment) -> None:
        self.anvil, self.at = anvil, at
        self.clients = {who: UniswapV3Client(anvil.rpc, at, venue="pool", account=who) for who in (ME, OTHER)}
        self.paid = 0
        self.mint(OTHER, 10_000 * ETHER, -10_000, 10_000)
        self.start = anvil.rpc.block().number

    def calls(self, verb: str, who: str = ME, limits: Limits | None = None, **args) -> list[tuple[str, Call]]:
        planned = self.clients[who].plan(Intent("pool", verb, args, limits or Limits()))
        return [(who, call) for call in planned]

    def mine(self, *calls: tuple[str, Call]) -> list[Receipt]:
        _, receipts = self.anvil.mine(calls, base_fee=FEE_PRICE)
        assert all(receipt.status for receipt in receipts), receipts
        for (who, call), receipt in zip(calls, receipts, strict=True):
            if who == ME and (call.to == self.at.manager or call.purpose == "approve"):
                self.paid += receipt.gas_used * receipt.effective_gas_price
        return receipts

    def do(self, verb: str, who: str = ME, limits: Limits | None = None, **args):
        return self.clients[who].decode(self.mine(*self.calls(verb, who, limits, **args)))

    def mint(self, who: str = ME, amount: int = ETHER, lower: int = -1000, upper: int = 1000) -> int:
        filled = self.do(
            "mint", who, tick_lower=lower, tick_upper=upper, amount0_desired=amount, amount1_desired=amount
        )
        assert isinstance(filled, Filled) and filled.position
        return int(filled.position.partition("#")[2])

    def swap(self, amount: int = 100 * ETHER, token: str = "USDC@op") -> None:
        self.do("swap_exact_in", OTHER, MIN_OUT, token_in=token, amount_in=amount)

    def give(self, token: int, source: str, target: str) -> tuple[str, Call]:
        return source, Call(self.at.manager, ERC721.encode("safeTransferFrom", source, target, token))

    def state(self, **asked) -> Portfolio:
        asked = {"address": ME, "contracts": (("uniswap_v3", self.at.manager),), "start": str(self.start)} | asked
        return from_chain(self.anvil.rpc, Asked(**asked))


def rows(document: ResultDocument) -> dict[str, int]:
    return {row.key: row.value for row in document.waterfall}


def tokens(document: ResultDocument, key: str) -> dict[str, int]:
    return next((row.tokens for row in document.waterfall if row.key == key), {})
