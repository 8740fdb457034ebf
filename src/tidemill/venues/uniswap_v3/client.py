"""The real Uniswap v3: intents to calls, receipts to what they mean, views and whole states. It never sends.

Verbs of one's own go through the periphery (position manager, router); the core's verbs (``pool_…``) go to the pool,
those with callbacks through our test callee.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.uniswap_v3.client_calls import Planner
from tidemill.venues.uniswap_v3.client_logs import decode_events
from tidemill.venues.uniswap_v3.client_place import V3Deployment
from tidemill.venues.uniswap_v3.client_reads import Reads
from tidemill.venues.uniswap_v3.client_snapshot import PositionId, read_state
from tidemill.venues.uniswap_v3.model_state import UniswapV3State

__all__ = ["UniswapV3Client", "V3Deployment"]


class UniswapV3Client:
    """One pool as ``account`` uses it.

    Parameters
    ----------
    venue : the study's own name of it; position ids are ``venue#tokenId``.
    account : the address that holds tokens and positions.
    reset_approvals : put allowances that a step may leave over back to 0 (one more transaction per token).
    """

    def __init__(
        self, rpc: Rpc, deployment: V3Deployment, *, venue: str, account: str, reset_approvals: bool = True
    ) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()
        self._reads = Reads(self)
        self._planner = Planner(self, reset_approvals=reset_approvals)

    # -- intents and receipts ------------------------------------------------------------

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode an intent with every argument resolved, approvals included, in the order to send.

        Allowances and a position's liquidity are read from the chain now. Raises ``BadInput`` naming verb and argument.
        """
        del view
        if stage:
            raise BadInput(f"{intent.verb}: Uniswap v3 has no stages, got {stage!r}")
        return self._planner.plan(intent)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: ``Reverted`` if any failed, else ``Filled`` with its amounts.

        Amounts by verb, the model's names: ``mint`` and ``increase`` liquidity, amount0, amount1; ``decrease``,
        ``collect`` and ``harvest`` amount0, amount1; ``close`` these and principal0, principal1, liquidity; swaps
        amount_in, amount_out; the core's verbs amount0, amount1 (signed for a swap) or paid0, paid1.
        """
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        events = self.events([log for receipt in receipts for log in receipt.logs])
        return _meaning(events, self.deployment, self.venue)

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode logs of the pool and of the position manager (named ``Manager.…``), in order; skip all others."""
        return decode_events(logs, pool=self.deployment.pool, manager=self.deployment.manager)

    # -- views -------------------------------------------------------------------------------------------------------

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, by the model's names (``model_reads``) and equal to its answer.

        The pool's views by their own names; ``pool_positions`` (owner, lower, upper tick), ``positions``, ``ownerOf``,
        ``principal``, ``claimable`` (number of a position token), ``balance`` (``USDC@op``, address). Tokens come back
        as their ids. The time that the model takes as last argument of timed views is the block's own here. One output
        comes back bare, several as a tuple. Raises ``Revert`` when the contract refuses.
        """
        return self._reads.read(query, args, block)

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return the owner's position tokens of this pool in the order they were opened, as a stage would."""
        return self._reads.positions_of(owner, block)

    def positions_by_id(self, token_ids: Sequence[int], block: BlockId = "latest") -> Sequence[Position]:
        """Return those of these position tokens that are of this pool, whoever owns them; raises if one does not exist."""
        return self._reads.positions_by_id(token_ids, block)

    def snapshot(
        self,
        block: BlockId = "latest",
        *,
        positions: Iterable[PositionId] | None = None,
        token_ids: Iterable[int] | None = None,
        from_block: int = 0,
    ) -> UniswapV3State:
        """Read the whole state at ``block`` into the model's own type; see ``read_state``.

        Tokens are named by their ids, accounts by their addresses.
        """
        return read_state(
            self.rpc,
            self.deployment,
            name=self.venue,
            block=block,
            positions=positions,
            token_ids=token_ids,
            from_block=from_block,
        )


def _meaning(events: Sequence[Event], deployment: V3Deployment, venue: str) -> Status:
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        by_name.setdefault(event.name, []).append(event.args)

    def total(name: str, field: str) -> int:
        return sum(int(args[field]) for args in by_name.get(name, ()))

    def pair(name: str, label: str = "amount") -> dict[str, int]:
        return {f"{label}{i}": total(name, f"amount{i}") for i in (0, 1)}

    def position(name: str) -> str | None:
        ids = {int(args["tokenId"]) for args in by_name.get(name, ())}
        return f"{venue}#{ids.pop()}" if len(ids) == 1 else None

    if "Manager.Collect" in by_name:
        # The manager logs what it asked for; where two tokens share a range, the pool may owe it a unit less, and pays that.
        amounts = pair("Collect" if "Collect" in by_name else "Manager.Collect")
        if "Manager.DecreaseLiquidity" in by_name:
            amounts |= pair("Manager.DecreaseLiquidity", "principal")
            amounts["liquidity"] = total("Manager.DecreaseLiquidity", "liquidity")
        return Filled(amounts, position("Manager.Collect"))
    if "Manager.IncreaseLiquidity" in by_name:
        liquidity = total("Manager.IncreaseLiquidity", "liquidity")
        return Filled(
            {"liquidity": liquidity, **pair("Manager.IncreaseLiquidity")}, position("Manager.IncreaseLiquidity")
        )
    for name in ("Manager.DecreaseLiquidity", "Manager.Transfer"):
        if name in by_name:
            return Filled(pair(name) if name == "Manager.DecreaseLiquidity" else {}, position(name))
    if "Swap" in by_name:
        flows = pair("Swap")
        if all(args["sender"] == deployment.router for args in by_name["Swap"]):
            return Filled({"amount_in": max(*flows.values(), 0), "amount_out": -min(*flows.values(), 0)})
        return Filled(flows)
    for name in ("Mint", "Burn", "Collect", "CollectProtocol"):
        if name in by_name:
            return Filled(pair(name))
    if "Flash" in by_name:
        return Filled({"paid0": total("Flash", "paid0"), "paid1": total("Flash", "paid1")})
    # Done, and nothing of amount to tell: some verbs log nothing when there is nothing to change.
    return Filled()
