"""The real Uniswap v3: intents to calls, receipts to what they mean, views and whole states. It never sends.

Verbs of one's own go through the periphery (position manager, router); the core's verbs (``pool_…``) go to the pool,
those with callbacks through our test callee.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from tidemill.chain.abi import decode_revert
from tidemill.chain.rpc import BlockId, Rpc, RpcRejected
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, Revert, RpcError
from tidemill.interfaces import Event, Filled, Intent, Reverted, Status
from tidemill.venues.uniswap_v3.client_abi import ERC20, MANAGER, POOL, abi
from tidemill.venues.uniswap_v3.client_calls import Planner
from tidemill.venues.uniswap_v3.client_logs import decode_events
from tidemill.venues.uniswap_v3.client_snapshot import PoolSnapshot, PositionId, position_key, read_snapshot

__all__ = ["UniswapV3Client", "V3Deployment"]

_U128_MAX = (1 << 128) - 1


class V3Deployment(Struct, frozen=True):
    """Where a pool and what surrounds it stand. All addresses are lower-case hex.

    ``token_ids`` are tidemill's names of token0 and token1 (``USDC@op``). ``callee`` is our test callee, empty on live
    networks, where the core's verbs with callbacks are refused.
    """

    pool: str
    manager: str
    router: str
    token0: str
    token1: str
    token_ids: tuple[str, str]
    fee: int
    tick_spacing: int
    callee: str = ""

    @classmethod
    def of_pool(
        cls, rpc: Rpc, pool: str, *, manager: str, router: str, token_ids: tuple[str, str], callee: str = ""
    ) -> Self:
        """Ask the pool for its tokens, fee and spacing; raises ``RpcError`` when it is none."""
        names = ("token0", "token1", "fee", "tickSpacing")
        codec = abi(POOL)
        answers = rpc.call_many([(pool, codec.encode(name)) for name in names])
        try:
            raw = [b"" if isinstance(answer, RpcRejected) else answer for answer in answers]
            token0, token1, fee, spacing = (codec.decode(n, data)[0] for n, data in zip(names, raw, strict=True))
        except ValueError:
            raise RpcError(f"{rpc.address}: {pool} is no Uniswap v3 pool on chain {rpc.chain_id}") from None
        return cls(
            pool.lower(), manager.lower(), router.lower(), token0, token1, token_ids, fee, spacing, callee.lower()
        )


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

        Amounts by verb: ``mint`` and ``increase`` liquidity, amount0, amount1; ``decrease`` the same; ``collect``,
        ``harvest`` and ``close`` amount0, amount1 paid out (``close`` also the principal in it); swaps amount_in,
        amount_out. What a callee or the pool's core did is told from the pool's own events.
        """
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        events = self.events([log for receipt in receipts for log in receipt.logs])
        return _meaning(events, self.venue)

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode logs of the pool and of the position manager (named ``Manager.…``), in order; skip all others."""
        return decode_events(logs, pool=self.deployment.pool, manager=self.deployment.manager)

    # -- views ---------------------------------------------------------------------------

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``.

        The pool's views by their own names (``slot0``, ``liquidity``, ``ticks`` tick, ``observe`` [seconds ago] …),
        with ``positions`` taking owner, lower and upper tick; and ``manager.positions``, ``manager.ownerOf``,
        ``claimable`` (position token: what ``collect`` would pay now), ``balance`` (``USDC@op``, address). One output
        comes back bare, several as a tuple. Raises ``Revert`` when the contract refuses.
        """
        at = self.deployment
        if query == "claimable":
            return self._claimable(*args, block=block)
        if query == "balance":
            token, who = args
            return self._view(self._token(token), ERC20, "balanceOf", (who,), block)
        if query == "positions" and len(args) == 3:
            return self._view(at.pool, POOL, query, (position_key(*args),), block)
        if query.startswith("manager."):
            return self._view(at.manager, MANAGER, query.removeprefix("manager."), args, block)
        return self._view(at.pool, POOL, query, args, block)

    def snapshot(
        self,
        block: BlockId = "latest",
        *,
        positions: Iterable[PositionId] | None = None,
        token_ids: Iterable[int] | None = None,
        from_block: int = 0,
    ) -> PoolSnapshot:
        """Read the whole state at ``block``; see ``read_snapshot``."""
        at = self.deployment
        return read_snapshot(
            self.rpc,
            at.pool,
            block=block,
            manager=at.manager,
            positions=positions,
            token_ids=token_ids,
            from_block=from_block,
        )

    def _token(self, token: str) -> str:
        pairs = dict(zip(self.deployment.token_ids, (self.deployment.token0, self.deployment.token1), strict=True))
        if token not in pairs:
            raise BadInput(f"token {token!r} is not of venue {self.venue}; it has {' and '.join(pairs)}")
        return pairs[token]

    def _claimable(self, token_id: int, *, block: BlockId) -> tuple[int, ...]:
        # Asking what collect would pay includes the fees that only the collecting itself would bring up to date.
        codec = abi(MANAGER)
        owner = self._view(self.deployment.manager, MANAGER, "ownerOf", (token_id,), block)
        data = codec.encode("collect", (token_id, owner, _U128_MAX, _U128_MAX))
        return codec.decode("collect", self._call(self.deployment.manager, data, block, sender=owner))

    def _view(self, to: str, contract: str, name: str, args: Sequence[Any], block: BlockId) -> Any:
        codec = abi(contract)
        if name not in codec.functions:
            raise BadInput(f"venue {self.venue}: no view {name!r}")
        try:
            values = codec.decode(name, self._call(to, codec.encode(name, *args), block))
        except ValueError:
            raise RpcError(f"{self.rpc.address}: {to} gave no answer to {name}(); wrong address or chain?") from None
        return values[0] if len(values) == 1 else values

    def _call(self, to: str, data: bytes, block: BlockId, sender: str | None = None) -> bytes:
        try:
            return self.rpc.call(to, data, block=block, sender=sender)
        except RpcRejected as rejected:
            if rejected.reverted:
                raise Revert(decode_revert(rejected.data or b"")) from None
            raise


def _meaning(events: Sequence[Event], venue: str) -> Status:
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        by_name.setdefault(event.name, []).append(event.args)

    def total(name: str, field: str) -> int:
        return sum(int(args[field]) for args in by_name.get(name, ()))

    def pair(name: str) -> dict[str, int]:
        return {"amount0": total(name, "amount0"), "amount1": total(name, "amount1")}

    def position(name: str) -> str | None:
        ids = {int(args["tokenId"]) for args in by_name.get(name, ())}
        return f"{venue}#{ids.pop()}" if len(ids) == 1 else None

    for name in ("Manager.Collect", "Manager.IncreaseLiquidity", "Manager.DecreaseLiquidity"):
        if name not in by_name:
            continue
        amounts = {} if name == "Manager.Collect" else {"liquidity": total(name, "liquidity")}
        amounts |= pair(name)
        if name == "Manager.Collect" and "Manager.DecreaseLiquidity" in by_name:
            principal = pair("Manager.DecreaseLiquidity")
            amounts |= {"principal0": principal["amount0"], "principal1": principal["amount1"]}
        return Filled(amounts, position(name))
    if "Manager.Transfer" in by_name:
        return Filled({}, position("Manager.Transfer"))
    if "Swap" in by_name:
        flows = [total("Swap", "amount0"), total("Swap", "amount1")]
        return Filled({"amount_in": max(*flows, 0), "amount_out": -min(*flows, 0), **pair("Swap")})
    for name in ("Mint", "Burn", "Collect", "CollectProtocol"):
        if name in by_name:
            return Filled(pair(name))
    if "Flash" in by_name:
        return Filled({"paid0": total("Flash", "paid0"), "paid1": total("Flash", "paid1")})
    # Done, and nothing of amount to tell: some verbs log nothing when there is nothing to change.
    return Filled()
