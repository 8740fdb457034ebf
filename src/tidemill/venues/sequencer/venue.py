"""A sequencer as a study places it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tidemill.venues.kinds import Bars, Kind
from tidemill.venues.sequencer.placing import place, place_table
from tidemill.venues.sequencer.rules import BLOB_BYTES
from tidemill.venues.sequencer.stream import sample

__all__ = ["PUBLISHED", "VENUE"]

PUBLISHED = Path(__file__).with_name("published.toml")
"""What others have published of operators' income."""
_SHAPE: Mapping[str, tuple[int | str | None, str]] = {
    "tx_gas": (120_000, "gas of a mean transaction"),
    "tx_fastlz": (330, "its signed bytes after FastLZ"),
    "tx_zero_bytes": (260, "zero bytes in it"),
    "tx_nonzero_bytes": (240, "other bytes in it"),
    "batch_bytes_per_tx": (230, "bytes that it adds to a compressed batch"),
    "priority_fee_gwei": ("0", "tips, gwei as text"),
    "batch_gas": (21_000, "gas of a posting transaction beside its data"),
    "blobs_per_tx": (6, "blobs that one transaction carries at most"),
    "blob_bytes": (BLOB_BYTES, "bytes of data in a blob"),
    "proof_hours": (1, "hours between state roots (or proofs) sent to Ethereum; 0: none"),
    "proof_gas": (90_000, "gas of each"),
    "proving_gwei_per_tx": ("0", "computing a proof, for each transaction, gwei as text"),
    "share": ("none", "what is given away: none, or superchain (the larger of 2.5 % gross and 15 % less L1 fees)"),
}
_STREAM: Mapping[str, tuple[int | str | None, str]] = {
    "tx_per_day": (400_000, "transactions of users a day at the start"),
    "tx_per_day_end": (400_000, "… and at the end"),
    "base_fee_gwei": ("0.1", "the rollup's own base fee at the start, gwei as text"),
    "base_fee_gwei_end": ("0.1", "… and at the end"),
    "l1_gas_gwei": ("30", "Ethereum's gas price at the start, gwei as text"),
    "l1_gas_gwei_end": ("30", "… and at the end"),
    "swing_bps": (1_000, "how far a tick's transactions and gas price may be off, by seed"),
    "blob_use_bps": (7_000, "blobs that all rollups post, in basis points of Ethereum's target"),
    "blob_use_later_bps": (7_000, "… from blob_later_day on"),
    "blob_later_day": (0, "day of the study from which that is so; 0: never"),
    "every_hours": (24, "hours of a tick"),
}
_LIMITS = {
    "tx_per_day": (0, 10**9),
    "tx_per_day_end": (0, 10**9),
    "tx_gas": (21_000, 10**8),
    "tx_fastlz": (0, 10**6),
    "tx_zero_bytes": (0, 10**6),
    "tx_nonzero_bytes": (0, 10**6),
    "batch_bytes_per_tx": (1, 10**6),
    "swing_bps": (0, 10_000),
    "blob_use_bps": (0, 20_000),
    "blob_use_later_bps": (0, 20_000),
    "blob_later_day": (0, 10_000),
    "every_hours": (1, 168),
    "batch_gas": (21_000, 10**7),
    "blobs_per_tx": (1, 6),
    "blob_bytes": (1, 131_072),
    "proof_hours": (0, 10_000),
    "proof_gas": (0, 10**8),
}
BARS = Bars(
    place_table,
    params={
        **_SHAPE,
        "l1_gas_gwei": ("30", "Ethereum's gas price where the table has none, gwei as text"),
        "base_fee_gwei": ("0.1", "the rollup's own base fee where the table has none, gwei as text"),
        "blob_gas_gwei": ("0.000000001", "a blob gas where the table has no price, gwei as text (1 wei is its floor)"),
    },
    mode="small",
    error="sequencer over a table of its own ticks: equal to the wei; a tick's fees are those of its end",
    sample=sample,
    limits={name: bounds for name, bounds in _LIMITS.items() if name in _SHAPE},
)

VENUE = Kind(
    "sequencer",
    "operator",
    "unproven",
    "Running a rollup: what users pay by its fee formula, less data on Ethereum, proofs and the share of its federation.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={**_STREAM, **_SHAPE},
    limits=_LIMITS,
    income="Users pay execution, data and operator fees; of these come data and proofs on Ethereum, and a share is given away.",
    risks=(
        "the role is not open: whoever runs the rollup appoints its one sequencer, and a token of it does not pay its holders",
        "data are paid at Ethereum's prices of the day of posting, fees came in at those of the day of use",
        "a rollup without users earns nothing and still sends its state roots",
    ),
    verbs={"harvest": "collect"},
    bars=BARS,
)
