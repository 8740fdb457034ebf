"""What a verb costs: measured gas and bytes of its transactions, priced by a network.

A *table* (``gas.toml`` beside a venue, written by ``tools/measure_gas.py``) says for each kind of transaction how much
gas it uses — a base plus a whole number per count — and what its signed bytes look like; and for each verb which
transactions it takes, approvals included. Gas is that of Prague's EVM rules; a transaction never uses less than 21,000.
Errors of the fit stand beside the numbers, in basis points of what was measured.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from tidemill.errors import BadInput, UnknownName
from tidemill.networks.compressed import own_gas_down
from tidemill.networks.types import FeeEnv, FeeParts, Network, TxShape

__all__ = [
    "CostModel",
    "FitError",
    "GasCall",
    "GasFeature",
    "GasFit",
    "GasKind",
    "GasTable",
    "GasVerb",
    "load_gas",
    "parse_gas",
]

_INTRINSIC = 21_000
_REFUND_QUOTIENT = 5
_REVERTED = "reverted"
_BATCHED = "call:"
_COUNTED = "slots_set"  # a caller that counts storage words says so even when there are none


class FitError(Struct, frozen=True, forbid_unknown_fields=True):
    """How far the table is from what was measured, in basis points: in the middle, and at the worst."""

    samples: int
    median_bps: int
    max_bps: int


class GasFeature(Struct, frozen=True, forbid_unknown_fields=True):
    """Something counted that moves gas; ``absent`` is its count where the caller says nothing."""

    about: str
    absent: int = 0


class GasFit(Struct, frozen=True, forbid_unknown_fields=True):
    """Gas as a base plus so much per count, and how far that is from the measured.

    ``refund``: gas given back per count at the end of the transaction, at most a fifth of what it used (EIP-3529).
    """

    base: int
    per: Mapping[str, int]
    error: FitError
    refund: Mapping[str, int] = {}

    def names(self) -> tuple[str, ...]:
        """Return the counts it needs."""
        return (*self.per, *self.refund)

    def gas(self, count: Callable[[str], int]) -> int:
        """Return gas, refunds taken off; ``count`` says how often each name counts."""
        used = self.base + sum(each * count(name) for name, each in self.per.items())
        back = sum(each * count(name) for name, each in self.refund.items())
        return used - min(back, used // _REFUND_QUOTIENT)


class GasKind(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of transaction: gas, and the typical signed bytes (FastLZ and brotli length, zero and other bytes).

    ``plain`` needs only what anybody can count (ticks, first use, transfers), the rest averaged over; ``storage`` also
    the storage words (``slots_…``) that models count, and is used where the caller counts them.
    """

    fastlz_length: int
    zero_bytes: int
    nonzero_bytes: int
    fastlz_error: FitError
    plain: GasFit
    storage: GasFit | None = None
    brotli_length: int | None = None
    """At Arbitrum's level since 2024 (1); ``None`` where nobody measured it."""
    brotli_error: FitError | None = None


class GasCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction of a verb: its kind, and the feature that says how often it is sent (once, if none)."""

    kind: str
    times: str = ""


class GasVerb(Struct, frozen=True, forbid_unknown_fields=True):
    """The transactions of a verb in order; and those of the same verb when its contract refuses.

    ``alone`` is the kind of the verb's own call, without approvals around it.
    """

    alone: str
    calls: tuple[GasCall, ...]
    reverted: tuple[GasCall, ...]
    plain: FitError
    storage: FitError | None = None


class Provenance(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a table comes from."""

    as_of: dt.date
    tool: str
    chain: str
    hardfork: str
    seed: str
    artefacts: tuple[str, ...]
    note: str = ""


class GasTable(Struct, frozen=True, forbid_unknown_fields=True):
    """All of a venue's verbs."""

    about: str
    provenance: Provenance
    features: Mapping[str, GasFeature]
    kinds: Mapping[str, GasKind]
    verbs: Mapping[str, GasVerb]
    file: str = ""

    def verb(self, name: str) -> GasVerb:
        """Return the verb ``name``; raises ``UnknownName``."""
        try:
            return self.verbs[name]
        except KeyError:
            raise UnknownName("verb in the gas table", name, self.verbs, file=self.file or None) from None

    def count(self, feature: str, features: Mapping[str, int]) -> int:
        """Return how often ``feature`` counts, what is absent included."""
        return features.get(feature, self.features[feature].absent)

    def shape(self, kind: str, features: Mapping[str, int]) -> TxShape:
        """Return gas and bytes of one transaction of ``kind``."""
        row = self.kinds[kind]
        fit = row.storage if row.storage is not None and _COUNTED in features else row.plain
        gas = fit.gas(lambda name: self.count(name, features))
        lengths = row.fastlz_length, row.zero_bytes, row.nonzero_bytes, row.brotli_length
        return TxShape(max(_INTRINSIC, gas), *lengths)

    def shapes(self, verb: str, features: Mapping[str, int]) -> tuple[TxShape, ...]:
        """Return every transaction that a verb takes.

        ``features["reverted"]`` takes the transactions of a refusal instead. The verb ``multicall`` is what its parts
        (``call:<verb>`` counts) use alone, the intrinsic gas paid once: an estimate, not a measurement.
        """
        if verb == "multicall" and verb not in self.verbs:
            return (self._batched(features),)
        row = self.verb(verb)
        calls = row.reverted if features.get(_REVERTED) else row.calls
        out: list[TxShape] = []
        for call in calls:
            times = self.count(call.times, features) if call.times else 1
            out += [self.shape(call.kind, features)] * times
        return tuple(out)

    def _batched(self, features: Mapping[str, int]) -> TxShape:
        gas = _INTRINSIC
        length = zeros = others = 0
        brotli: int | None = 0
        for name, times in features.items():
            if name.startswith(_BATCHED):
                part = self.shape(self.verb(name.removeprefix(_BATCHED)).alone, {})
                gas += times * (part.gas_used - _INTRINSIC)
                length, zeros = length + times * part.fastlz_length, zeros + times * part.zero_bytes
                others += times * part.nonzero_bytes
                known = brotli is not None and part.brotli_length is not None
                brotli = (brotli or 0) + times * (part.brotli_length or 0) if known else None
        return TxShape(gas, length, zeros, others, brotli)


class CostModel:
    """Fees of verbs on one network.

    Parameters
    ----------
    network : whose formula prices them.
    tables : gas tables by the caller's own name of the venue.
    """

    def __init__(self, network: Network, tables: Mapping[str, GasTable]) -> None:
        self.network, self.tables = network, dict(tables)

    def table(self, venue: str) -> GasTable:
        """Return the table of ``venue``; raises ``UnknownName``."""
        try:
            return self.tables[venue]
        except KeyError:
            raise UnknownName("venue with a gas table", venue, self.tables) from None

    def gas(self, venue: str, verb: str, features: Mapping[str, int]) -> int:
        """Return the gas that all transactions of the verb use."""
        return sum(tx.gas_used for tx in self.table(venue).shapes(verb, features))

    def fee(self, venue: str, verb: str, features: Mapping[str, int], env: FeeEnv) -> FeeParts:
        """Return what the verb costs in ``env``, each of its transactions priced by itself.

        Parameters
        ----------
        features : counts as the venue's model reports them; ``{"reverted": 1}`` for a refusal. What is not said counts
            as the table's ``absent``.

        Raises
        ------
        UnknownName : a venue without a table, or a verb that its table does not have.
        BadInput : a price that the network needs is unknown.
        """
        shapes = self.table(venue).shapes(verb, features)
        parts = [self.network.fee(own_gas_down(self.network, tx, env), env) for tx in shapes]
        return FeeParts(
            sum(part.l2_execution for part in parts),
            sum(part.l1_data for part in parts),
            sum(part.operator for part in parts),
        )

    def error(self, venue: str, verb: str, *, storage: bool = False) -> FitError:
        """Return how far the verb's gas is from the measured, all its transactions together.

        ``storage`` : of the fit for callers that count storage words, where there is one.
        """
        row = self.table(venue).verb(verb)
        return row.storage if storage and row.storage is not None else row.plain


def load_gas(path: str | Path) -> GasTable:
    """Load and check a gas table from a file; raises as ``parse_gas``, and where the file is absent."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("no such file", file=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read as UTF-8 text ({type(error).__name__})", file=str(path)) from None
    return parse_gas(text, str(path))


def parse_gas(text: str, file: str) -> GasTable:
    """Check the text of a gas table.

    Raises
    ------
    BadInput : not TOML, or a field is missing, unknown, of the wrong kind, or names what is not there.
    """
    try:
        table = msgspec.convert(tomllib.loads(text), GasTable)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not valid TOML: {error}", file=file) from None
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        raise BadInput(message, file=file, field=where.strip("`").removeprefix("$.") or None) from None
    _check_names(table, file)
    return msgspec.structs.replace(table, file=file)


def _check_names(table: GasTable, file: str) -> None:
    for name, kind in table.kinds.items():
        for feature in (*kind.plain.names(), *(kind.storage.names() if kind.storage else ())):
            if feature not in table.features:
                raise UnknownName("feature", feature, table.features, file=file, field=f"kinds.{name}")
    for name, verb in table.verbs.items():
        for call in (GasCall(verb.alone), *verb.calls, *verb.reverted):
            if call.kind not in table.kinds:
                raise UnknownName("kind", call.kind, table.kinds, file=file, field=f"verbs.{name}")
            if call.times and call.times not in table.features:
                raise UnknownName("feature", call.times, table.features, file=file, field=f"verbs.{name}")
