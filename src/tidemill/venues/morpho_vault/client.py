"""The vault on a chain: intents to calls, receipts to what they mean, views and the whole state. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Rate, Reverted, Status
from tidemill.venues.morpho_vault.client_abi import VAULT, VaultDeployment
from tidemill.venues.morpho_vault.rules import fee_assets_down
from tidemill.venues.morpho_vault.state import Place, VaultState
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals
from tidemill.venues.shared.vault_rules import shares_for_assets_down

__all__ = ["VERBS", "LendingVaultClient"]

ZERO = "0x" + "00" * 20
_NUMBERS = {"deposit": "assets", "mint": "shares", "withdraw": "assets", "redeem": "shares"}
VERBS = (
    *_NUMBERS,
    "accrue",
    "add_market",
    "set_cap",
    "set_supply_queue",
    "set_withdraw_queue",
    "reallocate",
    "set_fee",
)
"""Verbs, which are the contract's own names."""


class LendingVaultClient:
    """One vault as ``account`` (an address) uses it; ``venue`` is the study's own name of it."""

    def __init__(self, rpc: Rpc, deployment: VaultDeployment, *, venue: str, account: str) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()

    # --- acting -------------------------------------------------------------------------------------------------------

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb; raises ``BadInput`` naming verb and argument.

        A mint approves what it costs now and one part in a thousand more, and puts the allowance back to 0.
        """
        del view
        verb, at, codec = intent.verb, self.deployment, abi(VAULT)
        if stage:
            raise BadInput(f"{verb}: a vault has no stages, got {stage!r}")
        if verb not in VERBS:
            raise UnknownName("verb of a vault over markets", verb, VERBS)
        given = Given(intent)
        args = self._moved(verb, given) if verb in _NUMBERS else self._owned(verb, given)
        given.finish()
        call = Call(at.vault, codec.encode(verb, *args), purpose=verb)
        if verb not in ("deposit", "mint"):
            return [call]
        due = args[0]
        if verb == "mint":
            due = ask(self.rpc, at.vault, VAULT, "convertToAssets", (due,), "latest")[0] * 1_001 // 1_000 + 1
        return with_approvals(self.rpc, self.account, {at.asset: due}, at.vault, call, reset=verb == "mint")

    def _moved(self, verb: str, given: Given) -> tuple[Any, ...]:
        parties = (self.account,) if verb in ("deposit", "mint") else (self.account, self.account)
        return given.number(_NUMBERS[verb]), *parties

    def _owned(self, verb: str, given: Given) -> tuple[Any, ...]:
        if verb == "add_market":
            name, market = given.text("venue"), given.text("market")
            if name not in self.deployment.markets:
                raise UnknownName("market of the vault", name, self.deployment.markets, field="venue")
            del market  # on a chain a market is known by its parameters
            at = self.deployment.markets[name]
            return at.morpho, at.params, given.number("cap")
        if verb.endswith("queue"):
            return ([int(one) for one in given.text("queue").split(",") if one],)
        if verb == "set_fee":
            return given.number("fee"), given.text("recipient")
        names = {"set_cap": ("index", "cap"), "reallocate": ("source", "target", "assets")}.get(verb, ())
        return tuple(given.number(name) for name in names)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: assets and shares of whoever came or went."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        for event in self.events([log for receipt in receipts for log in receipt.logs]):
            if event.name in ("Deposit", "Withdraw"):
                return Filled({name: int(event.args[name]) for name in ("assets", "shares")})
        return Filled({})

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the vault's own logs in order; skip all others, its shares' transfers among them."""
        mine = [log for log in logs if str(log["address"]).lower() == self.deployment.vault]
        decoded = [decode_log(log, VAULT, venue="a vault over markets", may_be_unknown=True) for log in mine]
        return [event for event in decoded if event is not None]

    # --- asking -------------------------------------------------------------------------------------------------------

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's.

        ``maxWithdraw`` takes an address here, ``maxDeposit`` nothing; ``balance`` a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            token = {at.asset_id: at.asset, at.share_id: at.vault}
            if args[0] not in token:
                raise BadInput(f"token {args[0]!r} is not of venue {self.venue}; it has {' and '.join(token)}")
            return ask(self.rpc, token[args[0]], ERC20, "balanceOf", (args[1],), block)[0]
        if query not in abi(VAULT).functions:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        given = (self.account,) if query == "maxDeposit" else args
        (value,) = ask(self.rpc, at.vault, VAULT, query, given, block)
        if query == "feeRecipient":
            return "zero" if value == ZERO else value
        return list(value) if query.endswith("Queue") else value

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """A vault holds nothing by name: its shares are tokens, valued by ``rates``."""
        del owner, block
        return ()

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """Return what a share stands for at ``block``, with interest and fee up to its time.

        The contract tells total assets, and what so many shares are worth; the fee's shares to come follow from both.
        """
        at, seen = self.deployment, self.rpc.block(block)
        names = ("totalAssets", "lastTotalAssets", "fee", "totalSupply")
        (total,), (last,), (fee,), (supply,) = ask_many(self.rpc, at.vault, VAULT, [(name, ()) for name in names], seen)
        part = fee_assets_down(total, last, fee)
        shares = shares_for_assets_down(part, total - part, supply, at.offset_unit)
        return {at.share_id: Rate(self.venue, {at.asset_id: total + 1}, supply + shares + at.offset_unit)}

    def snapshot(self, block: BlockId = "latest") -> VaultState:
        """Read the whole state at ``block``; the vault's account is its address, markets are named by their venues."""
        at, seen = self.deployment, self.rpc.block(block)
        names = ("owner", "totalSupply", "lastTotalAssets", "lostAssets", "fee", "feeRecipient", "marketCount")
        asked = [(name, ()) for name in (*names, "supplyQueue", "withdrawQueue")]
        told = [value for (value,) in ask_many(self.rpc, at.vault, VAULT, asked, seen)]
        owner, supply, last, lost, fee, recipient, count, filled, emptied = told
        venues = {(one.morpho, one.id): name for name, one in at.markets.items()}
        places = []
        for (row,) in ask_many(self.rpc, at.vault, VAULT, [("places", (index,)) for index in range(count)], seen):
            morpho, _, identity, cap = row
            name = venues.get((morpho, identity), f"{morpho}:0x{identity.hex()}")
            places.append(Place(name, name, cap))
        return VaultState(
            at.vault,
            at.asset_id,
            at.share_id,
            at.offset_unit,
            owner,
            supply,
            last,
            lost,
            fee,
            "zero" if recipient == ZERO else recipient,
            places,
            tuple(filled),
            tuple(emptied),
        )
