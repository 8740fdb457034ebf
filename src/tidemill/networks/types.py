"""What a transaction looks like to a fee formula, the prices around it, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.facts import Entry, Facts, Status
from tidemill.networks.arbitrum_l1 import brotli_length
from tidemill.networks.exits import Route
from tidemill.networks.fastlz import compressed_length
from tidemill.networks.roles import Role
from tidemill.wording import rfc3339

__all__ = ["FeeEnv", "FeeParts", "Known", "Network", "Origin", "TxShape", "assumed", "from_data"]

Origin = Literal["data", "fact", "assumption"]
"""``data``: measured at that block. ``fact``: from the network's dated file. ``assumption``: the user's, or ours."""


class Known(Struct, frozen=True):
    """A number with where it comes from; ``note`` is the source of a fact or the reason of an assumption."""

    value: int
    origin: Origin
    note: str = ""


def from_data(value: int, note: str = "") -> Known:
    """Return ``value`` marked as taken from the data."""
    return Known(value, "data", note)


def assumed(value: int, note: str = "") -> Known:
    """Return ``value`` marked as an assumption; studies list it and show the headline at half and double."""
    return Known(value, "assumption", note)


class TxShape(Struct, frozen=True):
    """What fee formulas read of a transaction.

    ``fastlz_length``, ``zero_bytes`` and ``nonzero_bytes`` are those of the *signed* transaction as it is broadcast
    (its canonical encoding, type byte included): that is what consensus prices.
    """

    gas_used: int
    fastlz_length: int
    zero_bytes: int
    nonzero_bytes: int
    brotli_length: int | None = None
    """Bytes after Arbitrum's brotli, ``None`` where nobody measured it: a formula that needs it refuses."""
    zstd_length: int | None = None
    """Bytes after Scroll's zstd, an input: its encoder is not one of ours."""
    pubdata_bytes: int | None = None
    """Bytes of compressed state differences that ZK Stack chains publish, an input."""

    def __post_init__(self) -> None:
        """Refuse what no transaction has: a count below 0; raises ``BadInput``."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and value < 0:
                raise BadInput(f"{value} is negative", field=name)

    @property
    def size(self) -> int:
        """Bytes of the signed transaction."""
        return self.zero_bytes + self.nonzero_bytes

    @classmethod
    def of(cls, gas_used: int, signed: bytes, brotli_level: int | None = None) -> TxShape:
        """Return the shape of a signed transaction that used ``gas_used`` gas; its brotli length where a level is given.

        Raises
        ------
        BadInput : a level is given and the package ``brotli`` is not installed.
        """
        zeros = signed.count(0)
        brotli = None if brotli_level is None else brotli_length(signed, brotli_level)
        return cls(gas_used, compressed_length(signed), zeros, len(signed) - zeros, brotli)


COMMON = ("base_fee", "priority_fee", "l1_base_fee", "blob_base_fee")
"""Prices that more than one family reads."""


class FeeEnv(Struct, frozen=True):
    """Prices at the block of inclusion, in wei per gas, each with its origin; ``time`` in unix seconds picks the fork.

    A value left ``None`` is taken from the network's dated parameters; where those do not have it, the fee refuses.

    Parameters
    ----------
    base_fee, priority_fee : of the network itself.
    l1_base_fee, blob_base_fee : of Ethereum as the network sees it (its L1 origin block).
    more : what this family's formula reads besides, by the names its module lists (an OP chain's ``base_fee_scalar`` …).
    fork : formula to use instead of the one in force at ``time``.
    """

    time: int
    base_fee: Known
    priority_fee: Known
    l1_base_fee: Known | None = None
    blob_base_fee: Known | None = None
    fork: str | None = None
    more: Mapping[str, Known] = {}

    def known(self) -> Mapping[str, Known]:
        """Return the values that are set, by field name."""
        values = {name: getattr(self, name) for name in COMMON}
        return {name: value for name, value in values.items() if value is not None} | dict(self.more)

    @classmethod
    def of(cls, time: int, prices: Mapping[str, Known], fork: str | None = None) -> FeeEnv:
        """Return an environment of ``prices`` by name, whichever they are; ``base_fee`` and ``priority_fee`` must be."""
        more = {name: value for name, value in prices.items() if name not in COMMON}
        return cls(time=time, fork=fork, more=more, **{name: prices[name] for name in COMMON if name in prices})

    def filled(self, fork: str, found: Mapping[str, Known]) -> FeeEnv:
        """Return this with ``fork`` named and with ``found`` where nothing was set."""
        return FeeEnv.of(self.time, {**found, **self.known()}, fork)

    def assumptions(self) -> Mapping[str, Known]:
        """Return the values that are assumptions, by field name."""
        return {name: value for name, value in self.known().items() if value.origin == "assumption"}

    def need(self, name: str, network: str) -> int:
        """Return the value of field ``name``; raises ``BadInput`` where it is not set or negative."""
        value = self.more.get(name)
        if value is None and name in COMMON:
            value = getattr(self, name)
        if value is None:
            raise BadInput(f"{network} needs {name} and has no dated value for it at {rfc3339(self.time)}", field=name)
        if value.value < 0:
            raise BadInput(f"{value.value} is negative", field=name)
        return value.value


class FeeParts(Struct, frozen=True):
    """What a transaction costs, in wei of the network's native token."""

    l2_execution: int
    l1_data: int = 0
    operator: int = 0

    @property
    def total(self) -> int:
        """Wei paid in all."""
        return self.l2_execution + self.l1_data + self.operator


class Network(Protocol):
    """A network as far as costs go. All answers are integers in wei; nothing here knows a venue or a token price."""

    @property
    def name(self) -> str:
        """The name studies use, e.g. ``op-mainnet``."""
        ...

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id."""
        ...

    @property
    def family(self) -> str:
        """Which module's formula: ``ethereum``, ``op_stack`` …"""
        ...

    @property
    def native_token(self) -> str:
        """Symbol of the token that pays gas."""
        ...

    @property
    def block_time(self) -> int:
        """Seconds between blocks."""
        ...

    @property
    def facts(self) -> Facts:
        """The dated parameters behind every answer."""
        ...

    @property
    def status(self) -> Status:
        """Whether the network lives, only lets money out, has ended, or has an open incident."""
        ...

    @property
    def data_fee(self) -> bool:
        """Whether a transaction pays for its data beside its gas."""
        ...

    @property
    def first_known(self) -> Entry | None:
        """The first entry by which its file knows how it stood; ``None`` where it has no dated past."""
        ...

    @property
    def begins(self) -> int:
        """First moment that its file knows how it stood, unix seconds; 0 where it has no dated past."""
        ...

    def standing(self, time: int) -> Entry:
        """Return since when it has stood as at ``time``, and what to do; raises ``BadInput`` before it began."""
        ...

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the ways in and out at ``time``, the canonical ones first."""
        ...

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who earns from the network itself at ``time``, and who does not."""
        ...

    def levels(self) -> Mapping[str, str]:
        """Return the names of ``FeeEnv.more`` that its formulas read, with their units: what a study may set itself."""
        ...

    def fork(self, time: int) -> str:
        """Return the fork in force at ``time`` (unix seconds); raises ``BadInput`` before the network began."""
        ...

    def shape(self, gas_used: int, signed: bytes, time: int) -> TxShape:
        """Return the shape of a signed transaction as this network's formula reads it at ``time``."""
        ...

    def resolve(self, env: FeeEnv) -> FeeEnv:
        """Return ``env`` with every value that this network's formula needs, dated facts filling what was ``None``."""
        ...

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return what ``tx`` costs in ``env``; raises ``BadInput`` where a needed price is unknown."""
        ...

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return the base fee of the block at ``time`` from its parent's header."""
        ...
