"""Our formulas against the deployed bytecode of GasPriceOracle and L1Block, in every regime it knows.

The oracle takes an *unsigned* transaction and adds what a signature costs: 68 bytes that do not compress. Consensus
prices the signed transaction; ``tests/networks/test_anvil_fees.py`` checks that side.
"""

from __future__ import annotations

import random

import pyrevm
import pytest

from tidemill import networks
from tidemill.chain import artefacts
from tidemill.interfaces import Revert
from tidemill.networks import FeeEnv, TxShape, from_data, op_stack
from tidemill.networks.fastlz import compressed_length

if not artefacts.available("GasPriceOracle", "L1Block"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from harness import Contract, Evm
from harness.contract import abi_of
from networks.inputs import far_apart, structured

pytestmark = pytest.mark.chain

ORACLE = "0x420000000000000000000000000000000000000f"
L1_BLOCK = "0x4200000000000000000000000000000000000015"
DEPOSITOR = "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001"
PAD = 68
CASES = 900
"""Per regime: 2,700 in all."""


class Predeploys:
    """Both contracts at their own addresses."""

    def __init__(self) -> None:
        self.evm = Evm()
        for address, name in ((ORACLE, "GasPriceOracle"), (L1_BLOCK, "L1Block")):
            info = pyrevm.AccountInfo(code=artefacts.artefact(name).deployed_bytecode)
            self.evm._evm.insert_account_info(address, info)
        self.oracle = Contract(self.evm, ORACLE, abi_of("GasPriceOracle"))
        self.l1_block = Contract(self.evm, L1_BLOCK, abi_of("L1Block"))

    def set_bedrock(self, l1_base_fee: int, overhead: int, scalar: int) -> None:
        zero = bytes(32)
        self.l1_block.send(DEPOSITOR, "setL1BlockValues", 1, 1, l1_base_fee, zero, 0, zero, overhead, scalar)

    def set_ecotone(self, l1_base_fee: int, blob_base_fee: int, base_scalar: int, blob_scalar: int) -> None:
        selector = self.l1_block.abi.functions["setL1BlockValuesEcotone"].selector
        packed = base_scalar.to_bytes(4, "big") + blob_scalar.to_bytes(4, "big") + bytes(24)
        packed += l1_base_fee.to_bytes(32, "big") + blob_base_fee.to_bytes(32, "big") + bytes(64)
        self.evm.call(DEPOSITOR, L1_BLOCK, selector + packed)

    def upgrade(self, fork: str) -> None:
        self.oracle.send(DEPOSITOR, f"set{fork.capitalize()}")


def unsigned(rng: random.Random) -> bytes:
    sizes = (0, 30, rng.randrange(200), rng.randrange(200, 900), rng.randrange(900, 2500), 2000)
    return structured(rng, rng.choice(sizes))


def shape(data: bytes) -> TxShape:
    zeros = data.count(0)
    return TxShape(0, compressed_length(data) + PAD, zeros, len(data) - zeros + PAD)


def fee(fork: str, tx: TxShape, **prices: int) -> int:
    known = {name: from_data(value) for name, value in prices.items()}
    zero = from_data(0)
    env = FeeEnv.of(1_722_000_000, {"base_fee": zero, "priority_fee": zero, **known}, fork)
    return networks.get("op-mainnet").fee(tx, env).l1_data


def test_bedrock_equals_the_bytecode() -> None:
    rng = random.Random("bedrock oracle")
    chain = Predeploys()
    for _ in range(CASES):
        base = rng.randrange(10 ** rng.randrange(1, 13))
        overhead, scalar = rng.randrange(3000), rng.randrange(2 * 10**6)
        chain.set_bedrock(base, overhead, scalar)
        data = unsigned(rng)
        zeros = data.count(0)
        # Bedrock's formula adds the pad itself; Regolith's prices the signed bytes, here data plus the pad.
        prices = {"l1_base_fee": base, "l1_fee_overhead": overhead, "l1_fee_scalar": scalar}
        want = chain.oracle.view("getL1Fee", data)
        assert fee("bedrock", TxShape(0, 0, zeros, len(data) - zeros), **prices) == want
        assert fee("regolith", shape(data), **prices) == want
        gas = op_stack.legacy_l1_gas(zeros, len(data) - zeros, overhead, regolith=False)
        assert gas == chain.oracle.view("getL1GasUsed", data)


def test_ecotone_equals_the_bytecode() -> None:
    rng = random.Random("ecotone oracle")
    chain = Predeploys()
    chain.upgrade("ecotone")
    for _ in range(CASES):
        prices = draw(rng)
        chain.set_ecotone(*prices.values())
        data = unsigned(rng)
        tx = shape(data)
        assert fee("ecotone", tx, **prices) == chain.oracle.view("getL1Fee", data)
        assert op_stack.calldata_gas(tx.zero_bytes, tx.nonzero_bytes) == chain.oracle.view("getL1GasUsed", data)


def test_fjord_equals_the_bytecode() -> None:
    rng = random.Random("fjord oracle")
    chain = Predeploys()
    chain.upgrade("ecotone")
    chain.upgrade("fjord")
    above = 0
    for _ in range(CASES):
        prices = draw(rng)
        chain.set_ecotone(*prices.values())
        data = unsigned(rng)
        tx = shape(data)
        assert fee("fjord", tx, **prices) == chain.oracle.view("getL1Fee", data)
        # 13.4 gas per byte of FastLZ length above the minimum: equal gas there means equal length.
        assert op_stack.fjord_l1_gas_down(tx.fastlz_length) == chain.oracle.view("getL1GasUsed", data)
        above += op_stack.estimated_size_scaled(tx.fastlz_length) > 100_000_000
        size = len(data) + PAD
        bound = TxShape(0, size + size // 255 + 16, 0, 0)
        assert fee("fjord", bound, **prices) == chain.oracle.view("getL1FeeUpperBound", len(data))
    assert above > CASES // 4, "enough lengths must be visible in the fee"


def test_matches_at_the_edge_of_window_and_piece_equal_the_bytecode() -> None:
    rng = random.Random("window")
    chain = Predeploys()
    chain.upgrade("ecotone")
    chain.upgrade("fjord")
    runs = [bytes(n) for n in range(4000, 4530, 13)]  # repeats long enough for the length of a piece to show
    for data in [far_apart(rng) for _ in range(30)] + runs:
        length = compressed_length(data) + PAD
        if length > 171:
            assert op_stack.fjord_l1_gas_down(length) == chain.oracle.view("getL1GasUsed", data)


def test_the_oracle_gives_up_where_its_own_arithmetic_is_narrow() -> None:
    # It multiplies the scalar by 16 in 32 bits. Consensus does not, so neither do we.
    chain = Predeploys()
    chain.upgrade("ecotone")
    chain.set_ecotone(1, 1, 2**28 - 1, 1)
    assert chain.oracle.view("getL1Fee", b"") == fee(
        "ecotone", shape(b""), l1_base_fee=1, blob_base_fee=1, base_fee_scalar=2**28 - 1, blob_base_fee_scalar=1
    )
    chain.set_ecotone(1, 1, 2**28, 1)
    with pytest.raises(Revert, match="0x11"):
        chain.oracle.view("getL1Fee", b"")


def draw(rng: random.Random) -> dict[str, int]:
    return {
        "l1_base_fee": rng.randrange(10 ** rng.randrange(1, 13)),
        "blob_base_fee": rng.randrange(10 ** rng.randrange(1, 13)),
        "base_fee_scalar": rng.choice((0, 1368, 5227, rng.randrange(2**28))),
        "blob_base_fee_scalar": rng.choice((0, 810949, 1014213, rng.randrange(2**32))),
    }
