"""A local OP-stack chain on which transactions are sent one by one, and what they used is written down."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from eth_account import Account

from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.types import Call, Receipt
from tidemill.errors import RpcError
from tidemill.networks import TxShape

__all__ = ["HARDFORK", "Lab", "Sample", "Sent"]

HARDFORK = "isthmus"
BROTLI_LEVEL = 1
"""What Arbitrum's state has held since ArbOS 20."""
_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"  # anvil's first well-known account
_CHAIN_ID = 10


@dataclass(frozen=True)
class Sent:
    """One transaction: its kind, what it used, how its signed bytes look."""

    kind: str
    shape: TxShape


@dataclass(frozen=True)
class Sample:
    """One action: every transaction it took, and what was counted. ``reason`` is set where the contract refused."""

    verb: str
    features: Mapping[str, int]
    sent: tuple[Sent, ...]
    reason: str | None = None

    @property
    def gas(self) -> int:
        """Gas of all transactions."""
        return sum(one.shape.gas_used for one in self.sent)


@dataclass
class Lab:
    """The chain, a seeded source of the fields that only signing needs, and the samples so far."""

    seed: str
    beside: Lab | None = None
    """Another lab whose chain to share."""
    steps: bool = False
    """Whether transactions can be traced step by step."""
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        options = AnvilOptions(network="optimism", hardfork=HARDFORK, chain_id=_CHAIN_ID, steps=self.steps)
        self.anvil = self.beside.anvil if self.beside else Anvil(options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.anvil.stop()

    def send(self, sender: str, call: Call, kind: str) -> tuple[Sent, Receipt]:
        """Mine one block of one transaction."""
        _block, (receipt,) = self.anvil.mine([(sender, call)])
        shape = TxShape.of(receipt.gas_used, self.signed(call, receipt.gas_used), BROTLI_LEVEL)
        return Sent(kind, shape), receipt

    def act(
        self,
        sender: str,
        verb: str,
        calls: Sequence[tuple[Call, str]],
        features: Mapping[str, int],
        why: str = "refused",
    ) -> None:
        """Send the calls of a verb (each with its kind); a refused one ends it and makes the sample a refusal (``why``)."""
        sent = []
        for call, kind in calls:
            one, receipt = self.send(sender, call, kind)
            if not receipt.status:
                one = Sent(f"{verb}_reverted", one.shape)
                self.samples.append(Sample(verb, features, (*sent, one), why))
                return
            sent.append(one)
        self.samples.append(Sample(verb, features, tuple(sent)))

    def must(self, calls: Sequence[tuple[str, Call]], what: str) -> None:
        """Mine set-up transactions; none may fail."""
        _block, receipts = self.anvil.mine(list(calls))
        if not all(receipt.status for receipt in receipts):
            raise RpcError(f"{what} reverted")

    def signed(self, call: Call, gas_used: int) -> bytes:
        """Return the bytes a wallet would broadcast: type 2, gas limit a fifth above use, fees of an OP-stack day."""
        fields = {
            "type": 2,
            "chainId": _CHAIN_ID,
            "nonce": self.random.randrange(1, 5_000),
            "to": bytes.fromhex(call.to[2:]),
            "value": call.value,
            "data": call.data,
            "gas": gas_used * 6 // 5,
            "maxFeePerGas": self.random.randrange(10**6, 10**9),
            "maxPriorityFeePerGas": self.random.randrange(10**5, 10**8),
        }
        return bytes(Account.sign_transaction(fields, _KEY).raw_transaction)
