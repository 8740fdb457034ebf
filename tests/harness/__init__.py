"""The twin harness: real bytecode in pyrevm, driven and read fast enough to compare every action of a long run.

* ``Evm`` — one chain in memory: calls with typed reverts, storage, block control, snapshots (``evm.py``)
* ``Contract``, ``deploy`` — a deployed artefact with its codec (``contract.py``)
* ``actor``, ``token_pair`` — who acts, and with what (``actors.py``)
* ``V3`` — factory, pool, position manager, routers and callee; core and periphery verbs (``v3.py``)
* ``read_pool`` — the whole state of a pool out of its storage (``v3_storage.py``)
* ``Chef`` — Sushi's MiniChefV2 with a rewarder of each kind (``chef.py``)
* ``VaultFarm`` — OpenZeppelin vault and Synthetix StakingRewards (``vault_farm.py``)
* ``differences``, ``assert_same`` — comparison with differences that can be read (``compare.py``)
* ``Driver``, ``both`` — a seeded driver that counts; the same act on both twins (``driver.py``)
"""

from .actors import actor, token_pair
from .compare import assert_same, differences
from .contract import Contract, deploy
from .driver import Driver, Tally, both
from .evm import Evm
from .v3 import V3
from .v3_storage import read_pool
from .vault_farm import VaultFarm

__all__ = [
    "V3",
    "Contract",
    "Driver",
    "Evm",
    "Tally",
    "VaultFarm",
    "actor",
    "assert_same",
    "both",
    "deploy",
    "differences",
    "read_pool",
    "token_pair",
]
