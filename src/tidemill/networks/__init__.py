"""One module per network family: fee formulas over dated parameters. See ``docs/rooms/networks.md``.

>>> from tidemill import networks
>>> op = networks.get("op-mainnet")
>>> tx = networks.TxShape(gas_used=21_000, fastlz_length=110, zero_bytes=5, nonzero_bytes=105)
>>> env = networks.FeeEnv(
...     time=1_722_000_000,
...     base_fee=networks.from_data(60_000_000),
...     priority_fee=networks.assumed(1_000_000),
...     l1_base_fee=networks.from_data(5_000_000_000),
...     blob_base_fee=networks.from_data(1),
... )
>>> op.fee(tx, env)
FeeParts(l2_execution=1281000000000, l1_data=41816000101, operator=0)
"""

from tidemill.networks.catalogue import get, names
from tidemill.networks.gas import CostModel, GasTable, load_gas
from tidemill.networks.types import (
    FeeEnv,
    FeeParts,
    Known,
    Network,
    Origin,
    TxShape,
    assumed,
    from_data,
)

__all__ = [
    "CostModel",
    "FeeEnv",
    "FeeParts",
    "GasTable",
    "Known",
    "Network",
    "Origin",
    "TxShape",
    "assumed",
    "from_data",
    "get",
    "load_gas",
    "names",
]
