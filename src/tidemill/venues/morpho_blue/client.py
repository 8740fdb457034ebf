"""The real Morpho Blue: intents to calls, receipts to what they mean, views and the whole state. It never sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.morpho_blue.client_abi import IRM, MORPHO, ORACLE
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.rules import assets_up
from tidemill.venues.morpho_blue.state import ADAPTIVE, Account, MarketState, MorphoState, in_its_words
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals

__all__ = ["VERBS", "MorphoClient", "MorphoDeployment"]

ZERO = "0x" + "00" * 20
_PATIENCE = 3_600
"""Seconds that a transaction paid in shares may take to land: so much more interest is approved."""

VERBS = {
    "supply": "supply",
    "withdraw": "withdraw",
    "borrow": "borrow",
    "repay": "repay",
    "supply_collateral": "supplyCollateral",
    "withdraw_collateral": "withdrawCollateral",
    "liquidate": "liquidate",
    "accrue": "accrueInterest",
    "set_price": "setPrice",
    "create_market": "createMarket",
    "enable_irm": "enableIrm",
    "enable_lltv": "enableLltv",
    "set_fee": "setFee",
    "set_fee_recipient": "setFeeRecipient",
}
"""Verb to the contract's function; set_price is the test oracle's."""

_SHARED = ("supply", "withdraw", "borrow", "repay")
_TAKES = ("withdraw", "borrow", "withdraw_collateral")
_GIVES = ("supply", "repay", "supply_collateral")


class MorphoDeployment(Struct, frozen=True):
    """One market: where all it is made of stands (lower-case addresses), and how tidemill names tokens and rate model."""

    morpho: str
    loan: str
    collateral: str
    oracle: str
    irm: str
    lltv: int
    id: bytes
    loan_id: str
    collateral_id: str
    irm_name: str

    @classmethod
    def of_market(
        cls, morpho: str, params: tuple[str, str, str, str, int], *, loan_id: str, collateral_id: str, irm_name: str
    ) -> MorphoDeployment:
        """Name a market by its five parameters; its id is their hash."""
        from eth_hash.auto import keccak  # noqa: PLC0415  only those who touch a chain need it

        words = [bytes.fromhex(one[2:]).rjust(32, b"\0") for one in params[:4]] + [params[4].to_bytes(32, "big")]
        loan, collateral, oracle, irm = (one.lower() for one in params[:4])
        return cls(
            morpho.lower(),
            loan,
            collateral,
            oracle,
            irm,
            params[4],
            keccak(b"".join(words)),
            loan_id,
            collateral_id,
            irm_name,
        )

    @property
    def params(self) -> tuple[str, str, str, str, int]:
        """The market's parameters as the contract takes them."""
        return self.loan, self.collateral, self.oracle, self.irm, self.lltv


class MorphoClient:
    """One market as ``account`` (an address) uses it; ``venue`` is the study's own name of it."""

    def __init__(self, rpc: Rpc, deployment: MorphoDeployment, *, venue: str, account: str) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()

    # --- acting -------------------------------------------------------------------------------------------------------

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb; raises ``BadInput`` naming verb and argument.

        What is paid in shares (supply, repay, liquidate) approves what they will cost within the hour, and puts the
        allowance back to 0.
        """
        del view
        verb, at = intent.verb, self.deployment
        if stage:
            raise BadInput(f"{verb}: a lending market has no stages, got {stage!r}")
        if verb not in VERBS:
            raise UnknownName("verb of Morpho Blue", verb, VERBS)
        args = in_its_words(verb, intent.args, at.loan_id, lambda: self._position(self.account, "latest").supply_shares)
        given = Given(structs.replace(intent, args=args))
        if verb in (*_SHARED, "supply_collateral", "withdraw_collateral"):
            return self._move(verb, given)
        if verb == "liquidate":
            return self._liquidate(given)
        sent: list[Any] = [at.params] if verb in ("accrue", "create_market", "set_fee") else []
        if verb == "create_market":
            for name in ("market", "loan", "collateral", "irm"):
                given.text(name, "")
            given.number("lltv", 0)
            given.number("price", 0)
        elif verb == "enable_irm":
            given.text("irm")
            sent.append(at.irm)
        elif verb == "set_fee_recipient":
            sent.append(given.text("to"))
        elif verb != "accrue":
            sent.append(given.number({"set_price": "price", "enable_lltv": "lltv", "set_fee": "fee"}[verb]))
        given.finish()
        target, codec = (at.oracle, abi(ORACLE)) if verb == "set_price" else (at.morpho, abi(MORPHO))
        return [Call(target, codec.encode(VERBS[verb], *sent), purpose=verb)]

    def _move(self, verb: str, given: Given) -> Sequence[Call]:
        at = self.deployment
        assets, shares = given.number("assets", 0), given.number("shares", 0) if verb in _SHARED else 0
        owner = given.text("on_behalf", self.account)
        args: list[Any] = [at.params, assets, *([shares] if verb in _SHARED else []), owner]
        args.append(given.text("receiver", self.account) if verb in _TAKES else b"")
        given.finish()
        call = Call(at.morpho, abi(MORPHO).encode(VERBS[verb], *args), purpose=verb)
        if verb not in _GIVES:
            return [call]
        token = at.collateral if verb == "supply_collateral" else at.loan
        due = assets or self._cost(shares, "supply" if verb == "supply" else "borrow")
        return with_approvals(self.rpc, self.account, {token: due}, at.morpho, call, reset=not assets)

    def _liquidate(self, given: Given) -> Sequence[Call]:
        at, borrower = self.deployment, given.text("borrower")
        seized, shares = given.number("seized", 0), given.number("repaid_shares", 0)
        given.finish()
        call = Call(
            at.morpho, abi(MORPHO).encode("liquidate", at.params, borrower, seized, shares, b""), purpose="liquidate"
        )
        owed = shares or self._position(borrower, "latest").borrow_shares
        due = {at.loan: self._cost(owed, "borrow")}
        return with_approvals(self.rpc, self.account, due, at.morpho, call, reset=True)

    def _cost(self, shares: int, side: str) -> int:
        """Raw units of the loan token that shares will cost within the hour."""
        seen = self.rpc.block("latest")
        state = self.snapshot()
        (market,) = state.markets.values()
        ahead = MorphoModel().at(state, market, seen.timestamp + _PATIENCE)
        totals = {
            "supply": (ahead.supply_assets, ahead.supply_shares),
            "borrow": (ahead.borrow_assets, ahead.borrow_shares),
        }
        return assets_up(shares, *totals[side])

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: raw units and shares, as the model names them."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        for event in self.events([log for receipt in receipts for log in receipt.logs]):
            told = {name: int(value) for name, value in event.args.items() if isinstance(value, int)}
            if event.name == "Liquidate":
                names = {"seized": "seizedAssets", "repaid": "repaidAssets", "repaid_shares": "repaidShares"}
                names |= {"bad_debt": "badDebtAssets", "bad_debt_shares": "badDebtShares"}
                return Filled({mine: told[theirs] for mine, theirs in names.items()})
            if event.name != "AccrueInterest" and "assets" in told:
                return Filled(told)
        return Filled({})

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the market's own logs, and those of no market, in order; skip all others."""
        found = []
        for log in logs:
            if str(log["address"]).lower() != self.deployment.morpho:
                continue
            event = decode_log(log, MORPHO, venue="Morpho Blue", may_be_unknown=True)
            if (
                event is not None
                and event.args.get("id", "0x" + self.deployment.id.hex()) == "0x" + self.deployment.id.hex()
            ):
                found.append(event)
        return found

    # --- asking -------------------------------------------------------------------------------------------------------

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's: market, position and expectedSupplyAssets (an address; the
        model's time is the block's), price, rateAtTarget, feeRecipient, owner; ``balance`` takes a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            token = {at.loan_id: at.loan, at.collateral_id: at.collateral}
            if args[0] not in token:
                raise BadInput(f"token {args[0]!r} is not of venue {self.venue}; it has {' and '.join(token)}")
            return ask(self.rpc, token[args[0]], ERC20, "balanceOf", (args[1],), block)[0]
        if query == "market":
            return ask(self.rpc, at.morpho, MORPHO, "market", (at.id,), block)
        if query == "position":
            return ask(self.rpc, at.morpho, MORPHO, "position", (at.id, args[0]), block)
        if query == "expectedSupplyAssets":
            state, seen = self.snapshot(block, accounts=(args[0],)), self.rpc.block(block)
            return MorphoModel().read(state, query, args[0], seen.timestamp)
        if query == "price":
            return ask(self.rpc, at.oracle, ORACLE, "price", (), block)[0]
        if query == "rateAtTarget":
            return ask(self.rpc, at.irm, IRM, "rateAtTarget", (at.id,), block)[0] if at.irm_name == ADAPTIVE else 0
        if query in ("feeRecipient", "owner"):
            return ask(self.rpc, at.morpho, MORPHO, query, (), block)[0]
        raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return what ``owner`` supplied, put up and owes, with interest up to the time of ``block``."""
        seen = self.rpc.block(block)
        state = self.snapshot(seen.number, accounts=(owner.lower(),))
        return MorphoModel().positions(state, self.venue, owner.lower(), seen.timestamp, lambda _token, _account: 0)

    def snapshot(self, block: BlockId = "latest", *, accounts: Iterable[str] = ()) -> MorphoState:
        """Read the market at ``block`` with these accounts besides the client's own (no view lists them)."""
        at, seen = self.deployment, self.rpc.block(block).number
        who = list(dict.fromkeys((self.account, *accounts)))
        asked: list[tuple[str, tuple[Any, ...]]] = [("owner", ()), ("feeRecipient", ()), ("market", (at.id,))]
        asked += [("position", (at.id, one)) for one in who]
        (owner,), (recipient,), numbers, *held = ask_many(self.rpc, at.morpho, MORPHO, asked, seen)
        market = MarketState(self.venue, at.loan_id, at.collateral_id, at.irm_name, at.lltv, 0, *numbers)
        market.price, market.at_target = self.read("price", block=seen), self.read("rateAtTarget", block=seen)
        market.accounts = {one: Account(*shares) for one, shares in zip(who, held, strict=True) if any(shares)}
        state = MorphoState(at.morpho, owner, "zero" if recipient == ZERO else recipient)
        state.irms, state.lltvs, state.markets = {at.irm_name}, {at.lltv}, {self.venue: market}
        return state

    def _position(self, owner: str, block: BlockId) -> Account:
        return Account(*self.read("position", owner, block=block))
