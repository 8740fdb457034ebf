"""Starknet's fee as pure integer functions, and the network over its dated parameters.

A transaction pays for three resources: L1 gas (messages), L1 data gas (changed state) and L2 gas (all computing). Prices
are fri (10^-18 STRK) per gas.
Source: starknet-docs fees.mdx and starknet-staking, as given in the vectors of ``tests/networks/tables/starknet.toml``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from tidemill.errors import BadInput
from tidemill.networks import starknet_routes
from tidemill.networks.compressed import VM_GAS, given
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.types import FeeEnv, FeeParts, TxShape

__all__ = [
    "MIN_L2_GAS_PRICE",
    "Starknet",
    "blob_data_gas",
    "calldata_data_gas",
    "changed_words",
    "l1_message_gas",
    "next_l2_gas_price_down",
    "staking_apr_bps_down",
]

MIN_L2_GAS_PRICE = 3_000_000_000
"""The least L2 gas price, fri (3 gFri)."""
_WORD = 1_124
_LOGGED_WORD = 256
_MESSAGE_BASE = 20_000
_MESSAGE_LOG = 1_637
_STEPS = 48
_COIN_SCALE = 10_000


def changed_words(class_changes: int, contracts: int, values: int, declared: int = 0) -> int:
    """Return the words that a transaction's state differences take on L1.

    ``contracts`` and ``values`` count what changed, the fee token among them, which every transaction touches and whose
    own words are not charged: hence one less of each.
    """
    if contracts < 1 or values < 1:
        raise BadInput(
            "contracts and values changed count the fee token, so they are at least 1", field="contracts_changed"
        )
    return class_changes + 2 * (contracts - 1) + 2 * (values - 1) + 2 * declared


def blob_data_gas(words: int) -> int:
    """Return the L1 data gas of ``words`` in a blob: 32 bytes each."""
    return 32 * words


def calldata_data_gas(words: int, contracts: int) -> int:
    """Return the L1 gas of ``words`` in calldata, less what is compressed away; never below 0."""
    return max(551 * words - 312 * (contracts - 1) - 240, 0)


def l1_message_gas(payloads: Sequence[int]) -> int:
    """Return the L1 gas of messages to Ethereum, ``payloads`` the words of each."""
    count = len(payloads)
    fixed = _WORD * 3 + _MESSAGE_BASE + _MESSAGE_LOG
    return fixed * count + (_WORD + _LOGGED_WORD) * sum(payloads)


def next_l2_gas_price_down(price: int, used: int, target: int) -> int:
    """Return the L2 gas price that follows a block: up or down by its distance from the target, over 48; at least 3 gFri.

    ``target`` is 80 % of what a block may hold, so it can rise by a quarter of what it can fall.
    """
    if target <= 0:
        raise BadInput(f"gas target {target} must be positive")
    return max(price + price * (used - target) // (target * _STEPS), MIN_L2_GAS_PRICE)


def staking_apr_bps_down(ceiling_bps: int, staked_bps: int, bitcoin_part_bps: int) -> int:
    """Return the yearly rate of STRK stakers in basis points, before what new tokens dilute.

    Minting is ``ceiling / 10 * sqrt(staked)`` per cent of the supply, ``staked`` and ``ceiling`` in per cent of it too;
    stakers of bitcoin get ``bitcoin_part_bps`` of it.
    """
    if not 0 < staked_bps <= _COIN_SCALE:
        raise BadInput(f"{staked_bps} bps staked; expected 1 to 10,000")
    # in per cent: M = C/10 * sqrt(s), APR = 100 * M/s * (1 - a) = 10 C (1 - a) / sqrt(s); sqrt(s) = sqrt(bps) / 10
    kept = _COIN_SCALE - bitcoin_part_bps
    squared = (100 * ceiling_bps * kept) ** 2 // staked_bps
    return isqrt(squared) // _COIN_SCALE


_LEVELS = ("l1_data_gas_price", "contracts_changed", "values_changed", "l1_message_words", "l1_gas_price", VM_GAS)


class Starknet(DatedNetwork, frozen=True, dict=True):
    """Starknet over its dated parameters; ``gas_used`` is L2 gas and ``base_fee`` its price in fri."""

    family: str = "starknet"

    def needs(self, fork: str) -> tuple[str, ...]:
        """Return the levels that the formula of ``fork`` may read beside the network's own two prices."""
        return _LEVELS

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return what ``tx`` costs in fri: L2 gas at price plus tip, and its changed state at blob prices.

        Levels besides the common ones: ``l1_data_gas_price`` (fri), and what changed: ``contracts_changed`` and
        ``values_changed``, the fee token counted. Messages to L1 are priced by ``l1_message_gas`` where a transaction
        sends any: level ``l1_message_words`` of one message, with ``l1_gas_price`` (fri).
        Raises ``BadInput`` naming what is missing.
        """
        env = self.resolve(env)
        changed = [
            given(None, name, env, self.name, f"how many {what} the transaction changes, the fee token counted")
            for name, what in (("contracts_changed", "contracts"), ("values_changed", "storage values"))
        ]
        data = blob_data_gas(changed_words(0, *changed)) * env.need("l1_data_gas_price", self.name)
        if "l1_message_words" in env.known():
            words = env.need("l1_message_words", self.name)
            data += l1_message_gas([words]) * env.need("l1_gas_price", self.name)
        price = env.need("base_fee", self.name) + env.need("priority_fee", self.name)
        return FeeParts(tx.gas_used * price, data)

    def next_base_fee(self, time: int, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Return the L2 gas price that follows; the target is 80 % of ``gas_limit``."""
        self.fork(time)
        return next_l2_gas_price_down(base_fee, gas_used, gas_limit * 80 // 100)

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the canonical bridge in both directions, and the way out of staking."""
        return starknet_routes.routes(self)

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return the sequencer and those who stake."""
        return starknet_routes.roles(self)
