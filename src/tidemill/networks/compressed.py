"""Inputs that no formula here can compute: what an encoder or another machine makes of a transaction.

Such an input stands in the ``TxShape`` where it was measured, or is a level of ``FeeEnv.more`` (an assumption, which a
study lists at half and double). Where neither is given the fee is refused, and the refusal names both.
"""

from __future__ import annotations

import msgspec

from tidemill.errors import BadInput
from tidemill.networks.types import FeeEnv, Network, TxShape

__all__ = ["BPS", "COMPRESSED", "UNITS", "VM_GAS", "compressed_length_up", "given", "own_gas_down"]

BPS = 10_000
"""Basis points in one."""
COMPRESSED = "compressed_bps"
"""Level: compressed bytes per 10,000 signed bytes, by the network's own encoder."""
VM_GAS = "vm_gas_bps"
"""Level: gas of the network's own machine per 10,000 of the EVM's."""

UNITS = {
    COMPRESSED: "bps",
    VM_GAS: "bps",
    "contracts_changed": "contracts",
    "fair_pubdata_price": "wei per byte",
    "fixed_cost": "wei per gas",
    "l1_data_gas_price": "wei",
    "l1_gas_price": "wei",
    "l1_message_words": "words",
    "l1_pubdata_price": "wei per byte",
    "min_margin": "1e-6",
    "pubdata_bytes": "bytes",
    "values_changed": "values",
    "variable_cost": "1e-6 wei per byte",
}
"""Units of levels that no network's file dates."""


def given(measured: int | None, name: str, env: FeeEnv, network: str, what: str) -> int:
    """Return ``measured``, else the level ``name``; raises ``BadInput`` where neither is known or one is negative."""
    if measured is None and name not in env.known():
        raise BadInput(f"{network} needs {name} ({what}): an input that nothing here can compute", field=name)
    value = env.need(name, network) if measured is None else measured
    if value < 0:
        raise BadInput(f"{value} is negative", field=name)
    return value


def compressed_length_up(measured: int | None, tx: TxShape, env: FeeEnv, network: str) -> int:
    """Return bytes after compression, never more than the transaction has: as measured, else by ``compressed_bps``."""
    if measured is not None:
        return min(given(measured, "compressed_length", env, network, ""), tx.size)
    bps = given(None, COMPRESSED, env, network, "compressed bytes per 10,000 signed bytes")
    return min(-(-tx.size * bps // BPS), tx.size)


def own_gas_down(network: Network, tx: TxShape, env: FeeEnv) -> TxShape:
    """Return ``tx``, whose gas a table measured on the EVM, with the gas of the network's own machine.

    A network that runs another machine says so by the fact ``vm``; it then needs the level ``vm_gas_bps``, its gas per
    10,000 of the EVM's. Raises ``BadInput`` where that is not given.
    """
    machine = network.facts.facts.get("vm")
    if machine is None:
        return tx
    what = f"gas of its {machine.value} per 10,000 of the EVM's, for gas tables are measured on the EVM"
    ratio = given(None, VM_GAS, env, network.name, what)
    return msgspec.structs.replace(tx, gas_used=tx.gas_used * ratio // BPS)
