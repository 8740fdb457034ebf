"""A real Aave v3 pool: intents to calls, receipts to what they mean, and views. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.aave_v3.client_abi import ORACLE, POOL, POOL_36, PROVIDER, RECEIPT
from tidemill.venues.aave_v3.client_state import market_at, rounding_at
from tidemill.venues.aave_v3.state import MarketState
from tidemill.venues.aave_v3.versions import V30
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals

__all__ = ["MarketClient", "MarketDeployment", "ReserveAt"]

ALL = (1 << 256) - 1
_VARIABLE = 2
_VERBS = (
    "supply",
    "withdraw",
    "borrow",
    "repay",
    "repay_with_supply",
    "set_collateral",
    "set_emode",
    "liquidate",
    "mint_to_treasury",
)
_FIELDS = (
    "liquidityIndex",
    "currentLiquidityRate",
    "variableBorrowIndex",
    "currentVariableBorrowRate",
    "currentStableBorrowRate",
    "lastUpdateTimestamp",
    "id",
    "accruedToTreasury",
    "isolationModeTotalDebt",
)
_OF_RESERVE = {
    "getReserveData": POOL,
    "getReserveNormalizedIncome": POOL,
    "getReserveNormalizedVariableDebt": POOL,
    "getReserveDeficit": POOL_36,
    "getVirtualUnderlyingBalance": POOL_36,
}
_MARGIN = 1_000
"""A debt grows until it is paid: everything is approved with a thousandth more, and what is left taken back."""


class ReserveAt(Struct, frozen=True):
    """Where a reserve's three tokens stand (lower-case addresses)."""

    token: str
    supply: str
    debt: str


class MarketDeployment(Struct, frozen=True):
    """Where a pool and its oracle stand, and the reserves that are used, by tidemill's token ids.

    ``version`` is that whose rounding the pool has, 30 or 36.
    """

    pool: str
    oracle: str
    reserves: Mapping[str, ReserveAt]
    version: int = V30

    @classmethod
    def of_pool(cls, rpc: Rpc, pool: str, tokens: Mapping[str, str]) -> Self:
        """Ask the pool for the oracle and the reserves of ``tokens`` (address by id), and whether it rounds as v3.6 does.

        Raises ``RpcError`` when it is none, ``BadInput`` naming a token that is not listed.
        """
        (provider,) = ask(rpc, pool, POOL, "ADDRESSES_PROVIDER", (), "latest")
        (oracle,) = ask(rpc, provider, PROVIDER, "getPriceOracle", (), "latest")
        reserves = {}
        for name, token in tokens.items():
            found = _named("getReserveData", ask(rpc, pool, POOL, "getReserveData", (token,), "latest"))
            if int(found["aToken"], 16) == 0:
                raise BadInput(f"{name} ({token}) is not listed at the pool {pool}")
            reserves[name] = ReserveAt(token.lower(), found["aToken"], found["variableDebtToken"])
        return cls(pool.lower(), oracle, reserves, rounding_at(rpc, pool, "latest"))


class MarketClient:
    """One pool as ``account`` (an address) uses it; ``venue`` is the study's own name of it.

    The two positions of an account are ``venue#supply`` and ``venue#debt``. ``wide`` approves whatever a payment names,
    and leaves what is left of it: for others on a local chain, whose calls are encoded before the debt is there.
    """

    def __init__(self, rpc: Rpc, deployment: MarketDeployment, *, venue: str, account: str, wide: bool = False) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()
        self._wide = wide

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb with its exact approvals; raises ``BadInput`` naming verb and argument."""
        del view
        if stage:
            raise BadInput(f"{intent.verb}: a lending market has no stages, got {stage!r}")
        if intent.verb not in _VERBS:
            raise UnknownName("verb of Aave v3", intent.verb, _VERBS)
        given = Given(intent)
        due, function, args = self._encode(intent.verb, given)
        given.finish()
        call = Call(self.deployment.pool, abi(POOL).encode(function, *args), purpose=intent.verb)
        if not due:
            return [call]
        reset = intent.verb != "supply" and not self._wide
        return with_approvals(self.rpc, self.account, due, self.deployment.pool, call, reset=reset)

    def _encode(self, verb: str, given: Given) -> tuple[dict[str, int], str, tuple[Any, ...]]:
        """Return what must be approved, the pool's function, and its arguments."""
        me = self.account
        if verb == "set_emode":
            return {}, "setUserEMode", (given.number("category"),)
        if verb == "liquidate":
            collateral, debt = self._at(given.text("collateral")), self._at(given.text("debt"))
            user, cover = given.text("user"), given.number("cover")
            receive = given.flag("receive_supply")
            due = {debt.token: self._due(debt, user, cover)}
            return due, "liquidationCall", (collateral.token, debt.token, user, cover, receive)
        at = self._at(given.text("asset"))
        if verb == "set_collateral":
            return {}, "setUserUseReserveAsCollateral", (at.token, given.flag("on"))
        if verb == "mint_to_treasury":
            return {}, "mintToTreasury", ([at.token],)
        amount = given.number("amount")
        if verb == "supply":
            return {at.token: amount}, "supply", (at.token, amount, given.text("on_behalf_of", me), 0)
        if verb == "withdraw":
            return {}, "withdraw", (at.token, amount, me)
        if verb == "borrow":
            return {}, "borrow", (at.token, amount, _VARIABLE, 0, me)
        if verb == "repay_with_supply":
            return {}, "repayWithATokens", (at.token, amount, _VARIABLE)
        whose = given.text("on_behalf_of", me)
        return {at.token: self._due(at, whose, amount)}, "repay", (at.token, amount, _VARIABLE, whose)

    def _due(self, at: ReserveAt, whose: str, amount: int) -> int:
        """Return what a payment may take: what is owed now and a little more, or less if so asked."""
        if self._wide:
            return amount
        owed = int(self._token(at.debt, "balanceOf", whose))
        return min(amount, owed + owed // _MARGIN + 1)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: ``amount`` moved; ``debt`` and ``collateral`` of a liquidation."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(self._named(receipt.revert_reason or ""))
        amounts: dict[str, int] = {}
        for event in self.events([log for receipt in receipts for log in receipt.logs]):
            if event.name in ("Supply", "Withdraw", "Borrow", "Repay"):
                amounts = {"amount": int(event.args["amount"])}
            elif event.name == "MintedToTreasury":
                amounts = {"amount": int(event.args["amountMinted"])}
            elif event.name == "LiquidationCall":
                names = {"debt": "debtToCover", "collateral": "liquidatedCollateralAmount"}
                amounts = {ours: int(event.args[theirs]) for ours, theirs in names.items()}
        return Filled(amounts)

    def _named(self, reason: str) -> str:
        """Name assets in a reason as the model does, by their ids."""
        for asset, at in self.deployment.reserves.items():
            reason = reason.replace(at.token, asset)
        return reason

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the pool's own logs in order; skip all others."""
        mine = [log for log in logs if str(log["address"]).lower() == self.deployment.pool]
        decoded = [decode_log(log, POOL, venue="Aave v3", may_be_unknown=True) for log in mine]
        return [event for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's, see ``model_reads.read``; times given are not needed.

        ``balance`` takes a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            return ask(self.rpc, self._at(args[0]).token, ERC20, "balanceOf", (args[1],), block)[0]
        if query == "getAssetPrice":
            return ask(self.rpc, at.oracle, ORACLE, query, (self._at(args[0]).token,), block)[0]
        if query in ("getUserAccountData", "getUserConfiguration", "getUserEMode"):
            answer = ask(self.rpc, at.pool, POOL, query, args[:1], block)
            return answer if query == "getUserAccountData" else answer[0]
        kind, _, view = query.partition(".")
        if view:
            if kind not in ("aToken", "variableDebtToken") or view not in abi(RECEIPT).functions:
                raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
            reserve = self._at(args[0])
            takes = len(abi(RECEIPT).functions[view].inputs)
            to = reserve.supply if kind == "aToken" else reserve.debt
            return self._token(to, view, *args[1 : 1 + takes], block=block)
        if query not in _OF_RESERVE:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        answer = ask(self.rpc, at.pool, _OF_RESERVE[query], query, (self._at(args[0]).token,), block)
        if query != "getReserveData":
            return answer[0]
        found = _named(query, answer)
        return {name: found[name] for name in _FIELDS}

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return what ``owner`` supplies and owes at ``block``: two positions, each where there is any."""
        out, seen = [], self.rpc.block(block)
        asked: list[tuple[str, tuple[Any, ...]]] = [("balanceOf", (owner,)), ("scaledBalanceOf", (owner,))]
        for name, sign in (("supply", 1), ("debt", -1)):
            amounts, size = {}, 0
            for asset, reserve in self.deployment.reserves.items():
                (amount,), (scaled,) = ask_many(self.rpc, getattr(reserve, name), RECEIPT, asked, seen)
                size += scaled
                if amount:
                    amounts[asset] = sign * amount
            if size:
                out.append(Position(f"{self.venue}#{name}", self.venue, name, {"size": size}, amounts, {}))
        return out

    def snapshot(self, block: BlockId = "latest", *, accounts: Sequence[str] = ()) -> MarketState:
        """Read the reserves of the deployment at ``block``, the client's own account, the treasury and ``accounts``.

        Raises ``BadInput`` for what the model would not heed, see `market_at`.
        """
        at = self.deployment
        return market_at(self.rpc, at.pool, at.oracle, at.reserves, block, (self.account, *accounts))

    def _at(self, asset: str) -> ReserveAt:
        if asset not in self.deployment.reserves:
            raise UnknownName(f"reserve of venue {self.venue}", asset, self.deployment.reserves)
        return self.deployment.reserves[asset]

    def _token(self, token: str, view: str, *args: Any, block: BlockId = "latest") -> Any:
        return ask(self.rpc, token, RECEIPT, view, args, block)[0]


def _named(function: str, answer: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(abi(POOL).functions[function].output_names, answer, strict=True))
