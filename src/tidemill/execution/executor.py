"""The executor: sign, write down, send, ask until it is final; the same after a crash, a lost answer, a reorganisation.

Rules (with their requirement ids): one row per intent id (EX1); bytes are in the journal before they are on the wire
(EX2); on start every open row is resolved before anything new (EX3); a retry sends the same bytes or replaces them at
the same nonce with the same receiver, value and data (EX4); a nonce that somebody else used halts everything (EX5); a
row is done at the chain's finality and sent again after a reorganisation until then (EX6); nothing is signed that does
not simulate (EX8); the chain id is pinned in configuration, endpoint and bytes (EX9).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from tidemill.chain.types import BlockRef, Call, Receipt
from tidemill.errors import ExecutionHalted, InvariantBroken, RpcError
from tidemill.execution.limits import SpendLimits
from tidemill.execution.rows import Attempt, Journal, Row, State
from tidemill.execution.wallet import Unsigned, Wallet

__all__ = ["Executor", "Finality", "NotSent", "Transport"]

GAS_MARGIN_BPS = 15_000
"""Half as much again as estimated: at a venue that somebody has just touched nothing accrues at the head, in the next block
it does, which is a third of a withdrawal from a lending market. What is not used is not paid."""
BUMP_BPS = 11_250
"""Nodes accept a replacement from +10 %; a little more keeps rounding out of it."""


class Transport(Protocol):
    """What the executor needs of a chain; ``chain.rpc.Rpc`` is one. Sending is one try each."""

    @property
    def chain_id(self) -> int:
        """The pinned chain."""
        ...

    def block(self, block: str | int = "latest") -> BlockRef:
        """Return a block's reference."""
        ...

    def nonce(self, who: str, *, block: str = "latest") -> int:
        """Return the number of transactions sent."""
        ...

    def balance(self, who: str) -> int:
        """Return native wei."""
        ...

    def estimate_gas(self, call: Call, sender: str) -> int:
        """Return the gas a call needs now; raises ``RpcError`` if it would revert."""
        ...

    def send_raw(self, signed: bytes) -> str:
        """Hand over signed bytes once."""
        ...

    def receipt(self, tx_hash: str) -> Receipt | None:
        """Return a receipt, ``None`` while there is none."""
        ...


class Finality(Struct, frozen=True):
    """When a block counts as final: at a tag of the chain (``finalized``), or ``depth`` blocks below the head."""

    tag: str | None = None
    depth: int = 12


class NotSent(Exception):
    """Nothing was signed: the simulation failed or a limit forbids it. ``reason`` goes into ``Skipped``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Executor:
    """Sends calls for one account on one chain.

    Parameters
    ----------
    patience : polls without a receipt after which a row's fee is raised; ``None`` never raises it.
    """

    def __init__(
        self,
        transport: Transport,
        wallet: Wallet,
        journal: Journal,
        limits: SpendLimits,
        *,
        chain_id: int,
        finality: Finality = Finality(),  # noqa: B008 - frozen
        patience: int | None = 20,
    ) -> None:
        if transport.chain_id != chain_id:
            raise ExecutionHalted(f"the endpoint is on chain {transport.chain_id}, not on {chain_id}")
        self._chain, self._wallet, self._journal, self._limits = transport, wallet, journal, limits
        self.chain_id, self._finality, self._patience = chain_id, finality, patience
        self._started = False
        self._waited: dict[str, int] = {}

    # --- start and send -----------------------------------------------------------------------------------------------

    def start(self) -> Sequence[Row]:
        """Resolve every open row: learn what is final, send the rest again. Nothing new is sent before (EX3).

        Returns the rows that are still open. Raises ``RpcError`` while the endpoint cannot be asked: try again.
        """
        self._check_key()
        left = self._settle(strict=True)
        self._started = True
        return left

    def send(self, intent_id: str, call: Call, *, max_fee_wei: int | None = None) -> Row:
        """Sign, write down and send ``call`` under ``intent_id``; if that id has a row already, return it.

        A lost answer is no error here: the row is open, and ``poll`` finds out or sends it again.

        Raises
        ------
        NotSent : nothing was signed. ExecutionHalted : the key is used elsewhere.
        RpcError : the endpoint did not answer before anything was signed.
        """
        if not self._started:
            raise InvariantBroken("start() resolves what was left open; nothing new is sent before it")
        row = self._journal.row(intent_id)
        if row is None:
            row = self._sign_first(intent_id, call, max_fee_wei)
            self._broadcast(row)
        elif (row.to, row.value, row.data) != (call.to, call.value, call.data):
            raise InvariantBroken(f"intent {intent_id} was signed with another receiver, value or data")
        return row

    def poll(self) -> Sequence[Row]:
        """Look at every open row once: close what is final, send again what the chain has lost; return what is open."""
        return self._settle(strict=False)

    def receipt(self, intent_id: str) -> Receipt | None:
        """Return the receipt of an intent as the chain has it now; before finality it may vanish again."""
        row = self._journal.row(intent_id)
        return self._receipt(row) if row else None

    # --- signing ------------------------------------------------------------------------------------------------------

    def _sign_first(self, intent_id: str, call: Call, max_fee_wei: int | None) -> Row:
        gas = self._simulate(call)
        head = self._chain.block("latest")
        tip = max(head.base_fee // 10, 1)
        max_fee = 2 * head.base_fee + tip
        fee = gas * max_fee
        refusal = self._limits.refusal(call, fee)
        if refusal is None and max_fee_wei is not None and fee > max_fee_wei:
            refusal = f"may cost {fee} wei of fee, above max_fee {max_fee_wei}"
        if refusal is None and (held := self._chain.balance(self._wallet.address)) < call.value + fee:
            refusal = f"needs {call.value + fee} wei, the account holds {held}"
        if refusal is not None:
            raise NotSent(refusal)
        nonce = self._next_nonce()
        unsigned = Unsigned(self.chain_id, nonce, call.to, call.value, call.data, gas, max_fee, tip)
        raw, tx_hash = self._wallet.sign(unsigned)
        attempt = Attempt(tx_hash, raw, max_fee, tip)
        address = self._wallet.address
        row = Row(intent_id, self.chain_id, address, nonce, call.to, call.value, call.data, gas, attempts=(attempt,))
        self._journal.open_row(row)
        return row

    def _simulate(self, call: Call) -> int:
        """Return the gas limit for a call that succeeds on the present state (EX8)."""
        try:
            gas = self._chain.estimate_gas(call, self._wallet.address)
        except RpcError as error:
            if getattr(error, "reverted", False):
                raise NotSent(f"would revert: {getattr(error, 'reason', error)}") from error
            raise
        return gas * GAS_MARGIN_BPS // 10_000

    def _next_nonce(self) -> int:
        last = self._journal.last_nonce(self.chain_id, self._wallet.address)
        mined = self._chain.nonce(self._wallet.address)
        if last is None:
            if self._chain.nonce(self._wallet.address, block="pending") != mined:
                raise ExecutionHalted(
                    f"{self._wallet.address} has transactions waiting that this journal does not know"
                )
            return mined
        if mined > last + 1:
            raise self._foreign(mined - 1)
        return last + 1

    def _check_key(self) -> None:
        last = self._journal.last_nonce(self.chain_id, self._wallet.address)
        mined = self._chain.nonce(self._wallet.address)
        if last is not None and mined > last + 1:
            raise self._foreign(mined - 1)

    # --- settling -----------------------------------------------------------------------------------------------------

    def _settle(self, *, strict: bool) -> list[Row]:
        left = []
        for row in self._journal.open_rows():
            try:
                if not self._resolve(row):
                    left.append(row)
            except RpcError:
                if strict:
                    raise
                left.append(row)  # not known today; the row stays open and is asked about again
        return left

    def _resolve(self, row: Row) -> bool:
        """Say whether the row is final now; if the chain has it nowhere, send it again."""
        receipt = self._receipt(row)
        if receipt is not None:
            self._waited.pop(row.id, None)
            if not self._is_final(receipt):
                return False
            state: State = "done" if receipt.status else "failed"
            self._journal.finish(row.id, state, receipt.tx_hash, receipt.block_number, receipt.block_hash)
            return True
        if self._chain.nonce(row.sender) > row.nonce and self._receipt(row) is None:
            # Asked twice: a block may have come in between. Now the nonce is used, and not by any bytes of ours.
            if self._chain.nonce(row.sender) > row.nonce:
                raise self._foreign(row.nonce)
            return False
        self._waited[row.id] = self._waited.get(row.id, 0) + 1
        if self._patience is not None and self._waited[row.id] > self._patience:
            self._waited[row.id] = 0
            row = self._bump(row)
        self._broadcast(row)
        return False

    def _receipt(self, row: Row) -> Receipt | None:
        for attempt in reversed(row.attempts):
            receipt = self._chain.receipt(attempt.hash)
            if receipt is not None:
                return receipt
        return None

    def _is_final(self, receipt: Receipt) -> bool:
        if self._finality.tag is not None:
            bound = self._chain.block(self._finality.tag).number
        else:
            bound = self._chain.block("latest").number - self._finality.depth
        return receipt.block_number <= bound and self._chain.block(receipt.block_number).hash == receipt.block_hash

    def _bump(self, row: Row) -> Row:
        """Sign the same transaction with a higher fee, within the limits; else leave it as it is."""
        first, last = row.attempts[0], row.attempts[-1]
        max_fee, tip = (-(-fee * BUMP_BPS // 10_000) for fee in (last.max_fee, last.tip))
        call = Call(row.to, row.data, row.value)
        dear = max_fee * 10_000 > first.max_fee * self._limits.bump_bps
        if dear or self._limits.refusal(call, row.gas * max_fee) is not None:
            return row
        unsigned = Unsigned(row.chain_id, row.nonce, row.to, row.value, row.data, row.gas, max_fee, tip)
        raw, tx_hash = self._wallet.sign(unsigned)
        self._journal.add_attempt(row.id, Attempt(tx_hash, raw, max_fee, tip))
        fresh = self._journal.row(row.id)
        assert fresh is not None
        return fresh

    def _broadcast(self, row: Row) -> None:
        """Send the latest bytes. Whatever the endpoint says, the journal is right and ``poll`` will see."""
        try:
            self._chain.send_raw(row.attempts[-1].raw)
        except RpcError:
            return  # known already, refused, or the answer is lost: the receipt decides, never this answer

    def _foreign(self, nonce: int) -> ExecutionHalted:
        return ExecutionHalted(
            f"nonce {nonce} of {self._wallet.address} was used by a transaction this journal did not sign; "
            "the key is in use elsewhere: nothing more is sent"
        )
