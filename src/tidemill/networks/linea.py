"""Linea's gas price as pure integer functions, and the network over its dated parameters.

There is no separate data fee: the sequencer takes a transaction only if its gas price covers what its bytes cost on L1.
Costs per byte carry six more decimals than wei (``MICRO_WEI``), since a fraction of a wei is what they are.
Source: Consensys/linea-monorepo, gas pricing, as given in the vectors of ``tests/networks/tables/linea.toml``.
"""

from __future__ import annotations

from tidemill.errors import BadInput
from tidemill.networks import linea_routes
from tidemill.networks.compressed import COMPRESSED, compressed_length_up
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.ethereum import next_base_fee_down
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = [
    "MICRO_WEI",
    "Linea",
    "calldata_variable_cost_down",
    "data_price_down",
    "finalization_threshold_down",
    "least_gas_price_up",
    "variable_cost_down",
]

MICRO_WEI = 10**6
"""Units of a cost per byte in one wei."""
_MILLION = 10**6
_FINALIZATION_HOURS = 16


def variable_cost_down(
    base_fee: int,
    priority_fee: int,
    blob_base_fee: int,
    execution_gas: int,
    blob_gas: int,
    bytes_per_submission: int,
    margin: int,
) -> int:
    """Return what a compressed byte costs on L1, in ``MICRO_WEI``: a submission's cost times margin over its bytes.

    Fees are weighted averages of recent L1 blocks, wei; ``margin`` is in millionths.
    """
    if bytes_per_submission <= 0:
        raise BadInput(f"{bytes_per_submission} bytes per submission; it must be positive")
    cost = (base_fee + priority_fee) * execution_gas + blob_base_fee * blob_gas
    return cost * margin * MICRO_WEI // (_MILLION * bytes_per_submission)


def calldata_variable_cost_down(
    variable_cost: int, last: int, calldata: int, change_denominator: int, blocks: int, block_limit: int
) -> int:
    """Return the cost per byte where recent blocks' calldata counts: at least ``variable_cost``, both in ``MICRO_WEI``.

    The last cost moves by up to one ``change_denominator``-th, as the ``calldata`` of the last ``blocks`` lies above or
    below half of what they may hold (``block_limit`` each), never by more.
    """
    target = blocks * block_limit
    delta = min(max(2 * calldata - target, -target), target)
    return max(variable_cost, last + last * delta // (target * change_denominator))


def data_price_down(variable_cost: int, compressed_size: int, gas: int) -> int:
    """Return the part of the gas price that pays for bytes: their cost spread over the transaction's gas, wei."""
    if gas <= 0:
        raise BadInput(f"{gas} gas; a transaction uses some")
    return variable_cost * compressed_size // (MICRO_WEI * gas)


def least_gas_price_up(base_fee: int, data_price: int, fixed_cost: int, min_margin: int) -> int:
    """Return the least gas price the sequencer takes; ``min_margin`` in millionths, ``fixed_cost`` wei per gas."""
    return base_fee - -(min_margin * (data_price + fixed_cost)) // _MILLION


def finalization_threshold_down(tenth_percentile: int, time_of_day_multiplier: int, elapsed_s: int) -> int:
    """Return the L1 gas price up to which a finalization is sent after ``elapsed_s`` seconds; multiplier in millionths.

    It grows by the square of the time since the last, 25-fold at 16 hours: what makes that delay a target, no promise.
    """
    target = _FINALIZATION_HOURS * 3_600
    return tenth_percentile + tenth_percentile * 25 * time_of_day_multiplier * elapsed_s**2 // (_MILLION * target**2)


_NEEDS = ("variable_cost", "fixed_cost", "min_margin")


class Linea(DatedNetwork, frozen=True, dict=True):
    """Linea over its dated parameters."""

    family: str = "linea"

    def needs(self, fork: str) -> tuple[str, ...]:
        """Return the levels that the formula of ``fork`` may read beside the network's own two prices."""
        return (*_NEEDS, COMPRESSED)

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return gas times the price that is taken: base fee plus tip, or the sequencer's least where that is higher.

        The part that pays for bytes is shown as L1 data. Levels besides the common ones: ``variable_cost``
        (``MICRO_WEI`` per compressed byte), ``fixed_cost`` (wei per gas), ``min_margin`` (millionths), and the
        compressed length, by ``compressed_bps``. Raises ``BadInput`` naming what is missing.
        """
        env = self.resolve(env)
        variable, fixed, margin = (env.need(name, self.name) for name in _NEEDS)
        base_fee, tip = env.need("base_fee", self.name), env.need("priority_fee", self.name)
        if not tx.gas_used:
            return FeeParts(0)
        compressed = compressed_length_up(None, tx, env, self.name)
        data = data_price_down(variable, compressed, tx.gas_used)
        price = max(base_fee + tip, least_gas_price_up(base_fee, data, fixed, margin))
        bytes_part = data * margin // _MILLION
        return FeeParts(tx.gas_used * (price - bytes_part), tx.gas_used * bytes_part)

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return the base fee of the block at ``time``; blocks stay below half of the limit, so it rests at 7 wei."""
        self.fork(time)
        return next_base_fee_down(base_fee, gas_used, gas_limit // 2, 8)

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the canonical bridge in both directions."""
        return linea_routes.routes(self)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who keeps the fees, and what the token does not pay."""
        return linea_routes.roles(self)
