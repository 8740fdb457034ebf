"""Scroll's L1 data fee as pure integer functions, one per fork; and the network over its dated parameters.

Amounts are wei, scalars and factors are scaled by 10^9 unless said. Bytes are those of the signed transaction; what zstd
makes of them is an input, for the fee depends on Scroll's own encoder.
Source: scroll-tech/go-ethereum, rollup/fees, as given in the vectors of ``tests/networks/tables/scroll.toml``.
"""

from __future__ import annotations

from tidemill.networks import scroll_routes
from tidemill.networks.compressed import COMPRESSED, compressed_length_up
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = [
    "FORKS",
    "PRECISION",
    "Scroll",
    "curie_l1_fee_down",
    "feynman_l1_fee_down",
    "galileo_l1_fee_down",
    "legacy_l1_fee_down",
]

PRECISION = 10**9
FORKS = ("bernoulli", "curie", "feynman", "galileo")
"""Forks that changed the data fee, in order; what stood before Curie is called by the last of its forks."""
_EXTRA_BYTES = 4  # non-zero bytes added for what the rollup writes beside a transaction


def legacy_l1_fee_down(zero_bytes: int, nonzero_bytes: int, l1_base_fee: int, overhead: int, scalar: int) -> int:
    """Return the data fee before Curie."""
    gas = 4 * zero_bytes + 16 * (nonzero_bytes + _EXTRA_BYTES) + overhead
    return gas * l1_base_fee * scalar // PRECISION


def curie_l1_fee_down(size: int, l1_base_fee: int, l1_blob_base_fee: int, commit_scalar: int, blob_scalar: int) -> int:
    """Return the data fee of Curie: a fixed part for the commitment, and each signed byte at blob prices."""
    return (commit_scalar * l1_base_fee + size * l1_blob_base_fee * blob_scalar) // PRECISION


def feynman_l1_fee_down(
    size: int,
    compression_ratio: int,
    l1_base_fee: int,
    l1_blob_base_fee: int,
    exec_scalar: int,
    blob_scalar: int,
    penalty_threshold: int,
    penalty_factor: int,
) -> int:
    """Return the data fee of Feynman: a transaction that compresses less than the threshold pays ``penalty_factor``."""
    penalty = PRECISION if compression_ratio >= penalty_threshold else penalty_factor
    per_byte = exec_scalar * l1_base_fee + blob_scalar * l1_blob_base_fee
    return per_byte * size * penalty // PRECISION // PRECISION


def galileo_l1_fee_down(
    compressed: int,
    l1_base_fee: int,
    l1_blob_base_fee: int,
    exec_scalar: int,
    blob_scalar: int,
    penalty_factor: int,
) -> int:
    """Return the data fee of Galileo: by compressed bytes, dearer by one ``penalty_factor``-th for each of them.

    ``compressed`` is the smaller of the signed bytes and what zstd makes of them; ``penalty_factor`` counts bytes.
    """
    plain = (exec_scalar * l1_base_fee + blob_scalar * l1_blob_base_fee) * compressed
    return (plain + plain * compressed // penalty_factor) // PRECISION


# in the order of each fork's function
_NEEDS = {
    "bernoulli": ("l1_base_fee", "overhead", "scalar"),
    "curie": ("l1_base_fee", "blob_base_fee", "commit_scalar", "curie_blob_scalar"),  # a later one is another number
    "feynman": ("l1_base_fee", "blob_base_fee", "exec_scalar", "blob_scalar", "penalty_threshold", "penalty_factor"),
    "galileo": ("l1_base_fee", "blob_base_fee", "exec_scalar", "blob_scalar", "penalty_factor"),
}


class Scroll(DatedNetwork, frozen=True, dict=True):
    """Scroll over its dated parameters."""

    family: str = "scroll"

    def needs(self, fork: str) -> tuple[str, ...]:
        """Return the levels that the formula of ``fork`` may read beside the network's own two prices."""
        return (*_NEEDS[fork], COMPRESSED) if fork in ("feynman", "galileo") else _NEEDS[fork]

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return what ``tx`` costs: execution, and L1 data by the fork's formula.

        From Feynman on the compressed length is needed: ``tx.zstd_length``, else the level ``compressed_bps``.
        Raises ``BadInput`` naming what is missing.
        """
        env = self.resolve(env)
        execution = tx.gas_used * (env.need("base_fee", self.name) + env.need("priority_fee", self.name))
        return FeeParts(execution, self._l1_data(tx, env))

    def _l1_data(self, tx: TxShape, env: FeeEnv) -> int:
        fork = env.fork or ""
        values = [env.need(name, self.name) for name in _NEEDS[fork]]
        if fork == "bernoulli":
            return legacy_l1_fee_down(tx.zero_bytes, tx.nonzero_bytes, *values)
        if fork == "curie":
            return curie_l1_fee_down(tx.size, *values)
        compressed = compressed_length_up(tx.zstd_length, tx, env, self.name)
        if fork == "feynman":
            return feynman_l1_fee_down(tx.size, tx.size * PRECISION // max(compressed, 1), *values)
        return galileo_l1_fee_down(compressed, *values)

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return ``base_fee``: since Curie it follows L1's by the sequencer's settings, not demand."""
        self.fork(time)
        return base_fee

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the canonical bridge in both directions."""
        return scroll_routes.routes(self)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who keeps the fees."""
        return scroll_routes.roles(self)
