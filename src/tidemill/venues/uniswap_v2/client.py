"""The real pair and Router02: intents to calls, receipts to what they mean, views and the whole state. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Rate, Reverted, Status
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals
from tidemill.venues.uniswap_v2.model import ExchangeModel
from tidemill.venues.uniswap_v2.state import ExchangeState, PairState

__all__ = ["PairClient", "PairDeployment"]

PAIR = """
event Transfer(address indexed from, address indexed to, uint256 value)
event Mint(address indexed sender, uint256 amount0, uint256 amount1)
event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to)
event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to)
event Sync(uint112 reserve0, uint112 reserve1)
function factory() view returns (address)
function token0() view returns (address)
function token1() view returns (address)
function getReserves() view returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast)
function totalSupply() view returns (uint256)
function kLast() view returns (uint256)
function price0CumulativeLast() view returns (uint256)
function price1CumulativeLast() view returns (uint256)
function balanceOf(address owner) view returns (uint256)
function skim(address to)
function sync()
"""  # noqa: E501 - one signature a line
ROUTER = """
function addLiquidity(address tokenA, address tokenB, uint256 amountADesired, uint256 amountBDesired, uint256 amountAMin, uint256 amountBMin, address to, uint256 deadline) returns (uint256 amountA, uint256 amountB, uint256 liquidity)
function removeLiquidity(address tokenA, address tokenB, uint256 liquidity, uint256 amountAMin, uint256 amountBMin, address to, uint256 deadline) returns (uint256 amountA, uint256 amountB)
function swapExactTokensForTokens(uint256 amountIn, uint256 amountOutMin, address[] path, address to, uint256 deadline) returns (uint256[] amounts)
function swapTokensForExactTokens(uint256 amountOut, uint256 amountInMax, address[] path, address to, uint256 deadline) returns (uint256[] amounts)
function getAmountsOut(uint256 amountIn, address[] path) view returns (uint256[] amounts)
function getAmountsIn(uint256 amountOut, address[] path) view returns (uint256[] amounts)
"""  # noqa: E501 - one signature a line
FACTORY = """
function feeTo() view returns (address)
function setFeeTo(address to)
function createPair(address tokenA, address tokenB) returns (address pair)
function getPair(address tokenA, address tokenB) view returns (address pair)
"""
_NOBODY = "0x" + "00" * 20
_VERBS = ("add_liquidity", "remove_liquidity", "swap_exact_in", "swap_exact_out", "skim", "sync")


class PairDeployment(Struct, frozen=True):
    """Where a pair, its factory, its router and its tokens stand (lower-case addresses), and tidemill's token ids."""

    pair: str
    factory: str
    router: str
    token0: str
    token1: str
    token0_id: str
    token1_id: str
    lp_id: str

    @classmethod
    def of_pair(cls, rpc: Rpc, pair: str, router: str, *, ids: tuple[str, str], lp_id: str) -> Self:
        """Ask the pair for its tokens; ``ids`` are theirs in the pair's order. Raises ``RpcError`` when it is none."""
        names = [("factory", ()), ("token0", ()), ("token1", ())]
        (factory,), (token0,), (token1,) = ask_many(rpc, pair, PAIR, names, "latest")
        return cls(pair.lower(), factory, router.lower(), token0, token1, *ids, lp_id)

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses by token id."""
        return {self.token0_id: self.token0, self.token1_id: self.token1, self.lp_id: self.pair}


class PairClient:
    """One pair as ``account`` (an address) uses it through the router; ``venue`` is the study's own name of it."""

    def __init__(self, rpc: Rpc, deployment: PairDeployment, *, venue: str, account: str) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb, exact approvals included; what a deposit or an exact output leaves of one is taken back.

        Raises ``BadInput`` naming verb and argument; every swap needs its limit.
        """
        del view
        if stage:
            raise BadInput(f"{intent.verb}: a pair has no stages, got {stage!r}")
        if intent.verb not in _VERBS:
            raise UnknownName("verb of Uniswap v2", intent.verb, _VERBS)
        given, at = Given(intent), self.deployment
        if intent.verb in ("skim", "sync"):
            given.finish()
            args = (self.account,) if intent.verb == "skim" else ()
            return [Call(at.pair, abi(PAIR).encode(intent.verb, *args), purpose=intent.verb)]
        due, function, sent = self._liquidity(given) if "liquidity" in intent.verb else self._swap(given)
        given.finish()
        call = Call(at.router, abi(ROUTER).encode(function, *sent, self.account, given.deadline), purpose=intent.verb)
        reset = intent.verb in ("add_liquidity", "swap_exact_out")
        return with_approvals(self.rpc, self.account, due, at.router, call, reset=reset)

    def _liquidity(self, given: Given) -> tuple[dict[str, int], str, tuple[Any, ...]]:
        at = self.deployment
        least = given.limit("amount0_min", 0), given.limit("amount1_min", 0)
        if given.intent.verb == "remove_liquidity":
            liquidity = given.number("liquidity")
            return {at.pair: liquidity}, "removeLiquidity", (at.token0, at.token1, liquidity, *least)
        desired = given.number("amount0_desired"), given.number("amount1_desired")
        due = {at.token0: desired[0], at.token1: desired[1]}
        return due, "addLiquidity", (at.token0, at.token1, *desired, *least)

    def _swap(self, given: Given) -> tuple[dict[str, int], str, tuple[Any, ...]]:
        at, token_in = self.deployment, given.text("token_in")
        if token_in not in (at.token0_id, at.token1_id):
            raise BadInput(f"{given.intent.verb}: token_in = {token_in!r} is neither {at.token0_id} nor {at.token1_id}")
        path = [at.token0, at.token1] if token_in == at.token0_id else [at.token1, at.token0]
        if given.intent.verb == "swap_exact_in":
            amount, least = given.number("amount_in"), given.limit("amount_out_min")
            return {path[0]: amount}, "swapExactTokensForTokens", (amount, least, path)
        amount, most = given.number("amount_out"), given.limit("amount_in_max")
        return {path[0]: most}, "swapTokensForExactTokens", (amount, most, path)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: the model's amounts by the pair's own events."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        out: dict[str, int] = {}
        for event in self.events([log for receipt in receipts for log in receipt.logs]):
            args: Any = event.args
            if event.name in ("Mint", "Burn"):
                out |= {"amount0": args["amount0"], "amount1": args["amount1"]}
            elif event.name == "Transfer" and args["from"] == _NOBODY and args["to"] == self.account:
                out["liquidity"] = args["value"]
            elif event.name == "Swap":
                out["amount_in"] = args["amount0In"] + args["amount1In"]
                out["amount_out"] = args["amount0Out"] + args["amount1Out"]
        return Filled(out)

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the pair's own logs in order, as ``ExchangeModel.replay`` takes them; skip all others."""
        at = self.deployment.pair
        mine = [log for log in logs if str(log["address"]).lower() == at]
        decoded = [decode_log(log, PAIR, venue="a Uniswap v2 pair", may_be_unknown=True) for log in mine]
        return [Event(event.name, {**event.args, "pair": at}) for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's: the pair's own, ``feeTo`` (empty while off), tokens as ids.

        ``getAmountsOut`` and ``getAmountsIn`` take (amount, token ids of the path); ``balance`` a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            if args[0] not in at.addresses:
                raise BadInput(f"token {args[0]!r} is not of venue {self.venue}; it has {' and '.join(at.addresses)}")
            return ask(self.rpc, at.addresses[args[0]], ERC20, "balanceOf", (args[1],), block)[0]
        if query in ("token0", "token1"):
            return at.token0_id if query == "token0" else at.token1_id
        if query in ("getAmountsOut", "getAmountsIn"):
            path = [at.addresses[token] for token in args[1]]
            return list(ask(self.rpc, at.router, ROUTER, query, (args[0], path), block)[0])
        if query == "feeTo":
            (to,) = ask(self.rpc, at.factory, FACTORY, "feeTo", (), block)
            return "" if to == _NOBODY else to
        if query not in abi(PAIR).functions:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        answer = ask(self.rpc, at.pair, PAIR, query, args, block)
        return answer if query == "getReserves" else answer[0]

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """A pair holds nothing by name: its shares are tokens, valued by ``rates``."""
        del owner, block
        return ()

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """What a share stands for at ``block``, as a burn would pay it, unrounded."""
        at, seen = self.deployment, self.rpc.block(block)
        held = {token: self.read("balance", token, at.pair, block=seen) for token in (at.token0_id, at.token1_id)}
        return ExchangeModel().rates(self.snapshot(seen), self.venue, lambda token, _account: held[token])

    def snapshot(self, block: BlockId = "latest") -> ExchangeState:
        """Read the whole state at ``block``; the pair's account is its address."""
        at, seen = self.deployment, self.rpc.block(block)
        names = ("getReserves", "price0CumulativeLast", "price1CumulativeLast", "kLast", "totalSupply")
        reserves, *rest = ask_many(self.rpc, at.pair, PAIR, [(name, ()) for name in names], seen)
        pair = PairState(at.pair, at.token0_id, at.token1_id, at.lp_id, *reserves, *(value for (value,) in rest))
        return ExchangeState({at.pair: pair}, self.read("feeTo", block=seen))
