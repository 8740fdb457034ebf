"""The dated proof of one deployed venue: what was held against the model, and what came of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from tidemill.errors import BadInput

__all__ = ["ProofDocument", "Replayed", "proofs_of", "record"]


class Replayed(Struct, frozen=True):
    """Recorded logs that the model followed, read-only: blocks and events; nothing was replayed where both are 0."""

    blocks: int = 0
    events: int = 0


class ProofDocument(Struct, frozen=True, kw_only=True):
    """A proof. It speaks for this address at this block, on the fork on which it was tried, and for nothing else.

    Parameters
    ----------
    as_of : time of the block, ISO 8601. code : Keccak-256 of the code at the address. beside : further contracts used.
    done, refused : actions by verb that both sides did, or refused for the same reason. views : how many views were
    compared, each time they were. differences : what differed, empty where nothing did; the first one ends the trial.
    """

    schema: str = "tidemill.proof/1"
    tool_version: str
    kind: str
    address: str
    chain_id: int
    block: int
    block_hash: str
    as_of: str
    code: str
    beside: dict[str, str] = field(default_factory=dict)
    seed: int
    actions: int
    done: dict[str, int]
    refused: dict[str, int]
    reasons: dict[str, int]
    views: int
    balances: int
    replayed: Replayed = Replayed()
    differences: list[str]

    @property
    def equal(self) -> bool:
        """Whether nothing differed, and something was tried."""
        return not self.differences and self.views > 0

    @property
    def level(self) -> str:
        """What it amounts to: ``fork-equal`` where actions were tried too."""
        if not self.equal:
            return "differs"
        return "fork-equal" if self.done else "views equal"

    def shown(self) -> dict[str, Any]:
        """Return the document with its level and verdict, as JSON shows it."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return told | {"level": self.level, "verdict": self.verdict}

    @property
    def verdict(self) -> str:
        """The whole in one sentence."""
        where = f"{self.address} on chain {self.chain_id} at block {self.block:,}"
        if self.differences:
            return f"{self.kind} at {where} is NOT what the model says: {self.differences[0]}"
        tried = f"{sum(self.done.values()):,} actions done alike, {sum(self.refused.values()):,} refused alike"
        replayed = (
            f", {self.replayed.events:,} events of {self.replayed.blocks:,} blocks replayed"
            if self.replayed.blocks
            else ""
        )
        return (
            f"{self.kind} at {where}: 0 wei of difference, {tried}{replayed}, {self.views:,} views and "
            f"{self.balances:,} balances compared ({self.level})"
        )


def folder() -> Path:
    """Return where proofs are kept: ``tidemill/proofs`` in ``XDG_DATA_HOME``, else in ``~/.local/share``."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "tidemill" / "proofs"


def record(proof: ProofDocument) -> Path:
    """Keep a proof, the latest for each kind, chain and address; returns its file."""
    path = folder() / f"{proof.kind}-{proof.chain_id}-{proof.address}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(proof), indent=2))
        part.replace(path)
    except OSError as error:
        raise BadInput(f"cannot write {path} ({error.strerror})", field="out") from None
    return path


def proofs_of(kind: str) -> list[ProofDocument]:
    """Return what is on record for a kind, latest first; files that cannot be read are passed over."""
    found = []
    for path in sorted(folder().glob(f"{kind}-*.json")):
        try:
            proof = msgspec.json.decode(path.read_bytes(), type=ProofDocument)
        except (OSError, msgspec.DecodeError):
            continue
        if proof.kind == kind:
            found.append(proof)
    return sorted(found, key=lambda proof: (proof.as_of, proof.address), reverse=True)
