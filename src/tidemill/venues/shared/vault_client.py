"""The real contract of an ERC-4626 vault, whatever makes its shares grow. It encodes and decodes; it never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, decode_log, with_approvals

__all__ = ["VAULT", "VaultDeployment", "VaultVerbsClient"]

VAULT = """
event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares)
event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares)
event Transfer(address indexed from, address indexed to, uint256 value)
function deposit(uint256 assets, address receiver) returns (uint256 shares)
function mint(uint256 shares, address receiver) returns (uint256 assets)
function withdraw(uint256 assets, address receiver, address owner) returns (uint256 shares)
function redeem(uint256 shares, address receiver, address owner) returns (uint256 assets)
function transfer(address to, uint256 value) returns (bool)
function asset() view returns (address)
function decimals() view returns (uint8)
function totalAssets() view returns (uint256)
function totalSupply() view returns (uint256)
function balanceOf(address owner) view returns (uint256)
function maxWithdraw(address owner) view returns (uint256)
function maxRedeem(address owner) view returns (uint256)
function convertToAssets(uint256 shares) view returns (uint256)
function convertToShares(uint256 assets) view returns (uint256)
function previewDeposit(uint256 assets) view returns (uint256)
function previewMint(uint256 shares) view returns (uint256)
function previewWithdraw(uint256 assets) view returns (uint256)
function previewRedeem(uint256 shares) view returns (uint256)
"""
_PAIRED = frozenset(
    "convertToAssets convertToShares previewDeposit previewMint previewWithdraw previewRedeem".split()  # noqa: SIM905
)
"""Views that the model is given the vault's assets for, as one argument more."""


class VaultDeployment(Struct, frozen=True):
    """Where a vault and its asset stand (lower-case addresses) and how tidemill names asset and share."""

    vault: str
    asset: str
    asset_id: str
    share_id: str

    @classmethod
    def of_vault(cls, rpc: Rpc, vault: str, *, asset_id: str, share_id: str) -> Self:
        """Ask the vault for its asset; raises ``RpcError`` when it is none."""
        (asset,) = ask(rpc, vault, VAULT, "asset", (), "latest")
        return cls(vault.lower(), asset, asset_id, share_id)


class VaultVerbsClient:
    """One vault as ``account`` (an address) uses it; ``venue`` is the study's own name of it.

    A vault adds its own signatures (``contract``), what it is called (``about``) and verbs beside the four (``more``).
    """

    contract = VAULT
    about = "an ERC-4626 vault"
    more: tuple[str, ...] = ()

    def __init__(self, rpc: Rpc, deployment: VaultDeployment, *, venue: str, account: str) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()

    def other(self, verb: str, given: Given) -> Call:
        """Encode a verb that only this kind of vault has."""
        raise NotImplementedError

    def due_up(self, cost: int) -> int:
        """Return what to approve for a mint that costs so much now."""
        return cost

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode deposit, mint, withdraw, redeem or a verb of its own; raises ``BadInput`` naming verb and argument.

        A mint approves what it costs now: where others move the rate first, it may revert.
        """
        del view
        if stage:
            raise BadInput(f"{intent.verb}: a vault has no stages, got {stage!r}")
        verbs = ("deposit", "mint", "withdraw", "redeem", *self.more)
        if intent.verb not in verbs:
            raise UnknownName(f"verb of {self.about}", intent.verb, verbs)
        given, at = Given(intent), self.deployment
        if intent.verb in self.more:
            other = self.other(intent.verb, given)
            given.finish()
            return [other]
        amount = given.number("shares" if intent.verb in ("mint", "redeem") else "assets")
        given.finish()
        parties = (self.account,) if intent.verb in ("deposit", "mint") else (self.account, self.account)
        call = Call(at.vault, abi(self.contract).encode(intent.verb, amount, *parties), purpose=intent.verb)
        if len(parties) == 2:
            return [call]
        minting = intent.verb == "mint"
        due = self.due_up(self.view("previewMint", amount)) if minting else amount
        return with_approvals(self.rpc, self.account, {at.asset: due}, at.vault, call, reset=minting)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean; amounts are assets and shares, of another verb what `said` tells."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        logs = [log for receipt in receipts for log in receipt.logs]
        events = self.events(logs)
        moved = [e for e in events if e.name in ("Deposit", "Withdraw")]
        if moved:
            return Filled({name: sum(int(e.args[name]) for e in moved) for name in ("assets", "shares")})
        return Filled(self.said(logs, events))

    def said(self, logs: Sequence[Mapping[str, Any]], events: Sequence[Event]) -> dict[str, int]:
        """Return the amounts of a verb that is none of the four."""
        raise NotImplementedError

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the vault's own logs in order (its shares' transfers included); skip all others."""
        mine = [log for log in logs if str(log["address"]).lower() == self.deployment.vault]
        decoded = [decode_log(log, self.contract, venue=self.about, may_be_unknown=True) for log in mine]
        return [event for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's answer.

        Conversions and previews take an amount (the model's further argument, the vault's assets or the time, may be
        given and is not needed); ``maxWithdraw`` an address, or shares held; ``balance`` a token id and an address.
        """
        if query == "balance":
            token = {self.deployment.asset_id: self.deployment.asset, self.deployment.share_id: self.deployment.vault}
            if args[0] not in token:
                raise BadInput(f"token {args[0]!r} is not of venue {self.venue}; it has {' and '.join(token)}")
            return ask(self.rpc, token[args[0]], ERC20, "balanceOf", (args[1],), block)[0]
        if query == "maxWithdraw" and isinstance(args[0], int):
            return self.view("convertToAssets", args[0], block=block)
        if query not in abi(self.contract).functions:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        return self.view(query, *(args[:1] if query in _PAIRED else args), block=block)

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """A vault holds nothing by name: its shares are tokens, valued by ``rates``."""
        del owner, block
        return ()

    def view(self, name: str, *args: Any, block: BlockId = "latest") -> Any:
        """Ask one of the vault's views."""
        return ask(self.rpc, self.deployment.vault, self.contract, name, args, block)[0]
