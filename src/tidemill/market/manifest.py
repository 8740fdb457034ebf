"""The manifest of a dataset: what it is, where it came from, and the hash of every file in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tidemill.errors import BadData, BadInput

__all__ = [
    "MANIFEST",
    "FileEntry",
    "Manifest",
    "PoolInfo",
    "Token",
    "check_pool",
    "file_sha256",
    "read_manifest",
    "strip_secrets",
]

MANIFEST = "manifest.json"


class Token(Struct, frozen=True):
    """A token of the pool: symbol, decimals, contract address ('' where unknown)."""

    symbol: str
    decimals: int
    address: str = ""


class PoolInfo(Struct, frozen=True):
    """Which pool: chain, address, tokens in the pool's order, fee in millionths, tick spacing.

    ``fee_protocol0`` and ``fee_protocol1`` are the protocol's share of the fee as 1/n at the first event (0: none).
    They cannot be seen in events, so they are an assumption unless a state snapshot gives them.
    """

    chain_id: int
    network: str
    address: str
    token0: Token
    token1: Token
    fee: int
    tick_spacing: int
    fee_protocol0: int = 0
    fee_protocol1: int = 0


class FileEntry(Struct, frozen=True):
    """A file of the dataset."""

    sha256: str
    rows: int = 0


class Manifest(Struct, frozen=True, kw_only=True):
    """What a dataset says of itself. ``content_hash`` covers values, not file bytes; seeds derive from it."""

    schema_version: int
    kind: str
    """``uniswap_v3.events`` or ``uniswap_v3.bars``."""
    pool: PoolInfo
    first_block: int
    last_block: int
    first_time: int
    last_time: int
    rows: int
    fidelity: str
    """``exact`` (initial state and events), ``inferred`` (events only) or ``bars``."""
    synthetic: bool
    source: str
    query: str = ""
    provider: str = ""
    licence: str = ""
    content_hash: str
    notes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, FileEntry]

    @property
    def title(self) -> str:
        """Name the pool in one phrase, with the word *synthetic* where it applies."""
        pool = self.pool
        name = f"{pool.token0.symbol}/{pool.token1.symbol} {pool.fee / 10_000:g} % on {pool.network}"
        return f"{name} (synthetic)" if self.synthetic else name


def read_manifest(folder: Path) -> Manifest:
    """Read and check a dataset's manifest; raises ``BadData`` naming file and field."""
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        what = "no such folder" if not folder.exists() else "it has no manifest.json; not a dataset, or half-imported"
        raise BadData(f"{folder}: {what}") from None
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}") from None
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
        check_pool(manifest.pool)
    except (msgspec.DecodeError, BadInput) as error:
        raise BadData(f"{path}: {error}") from None
    return manifest


def check_pool(pool: PoolInfo) -> PoolInfo:
    """Return ``pool`` if its figures can be those of a pool; raises ``BadInput`` naming the field and what it may be."""
    for name, value, low, high in (
        ("fee", pool.fee, 1, 999_999),
        ("tick_spacing", pool.tick_spacing, 1, 16_383),
        ("chain_id", pool.chain_id, 1, 2**63 - 1),
        ("token0", pool.token0.decimals, 0, 36),
        ("token1", pool.token1.decimals, 0, 36),
    ):
        if not low <= value <= high:
            what = "decimals " if name.startswith("token") else ""
            raise BadInput(f"{what}{value} is not between {low} and {high}", field=name)
    if pool.token0.symbol == pool.token1.symbol:
        raise BadInput(f"{pool.token1.symbol} is token0 already; a pool has two tokens", field="token1")
    if not pool.network:
        raise BadInput("a pool needs the name of its network, such as ethereum", field="network")
    return pool


def encode_manifest(manifest: Manifest) -> bytes:
    """Canonical JSON: sorted keys, two spaces, newline at the end."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n"


def file_sha256(path: Path) -> str:
    """Hash a file in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


_SECRET = re.compile(r"[A-Za-z0-9_\-]{16,}")


def strip_secrets(url: str) -> str:
    """Return an endpoint's address without user, password, query, or key-like path parts: safe to log and store."""
    match = re.match(
        r"^(?P<scheme>[a-z][a-z0-9+.\-]*)://(?:[^/@]*@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)", url, re.IGNORECASE
    )
    if match is None:
        return _SECRET.sub("***", url)
    host = ".".join("***" if _SECRET.fullmatch(part) else part for part in match["host"].split("."))
    return f"{match['scheme']}://{host}{_SECRET.sub('***', match['path'])}"
