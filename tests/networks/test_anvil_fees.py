"""Signed transactions on a local OP-stack chain: what the sender's balance loses is our fee, to the wei.

The node prices with op-revm, an implementation of its own. anvil 1.7.1 applies Isthmus (Fjord's data fee, then the
operator's) whatever fork it is asked for, so that is the rule proven here on signed bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from eth_account import Account

from networks.inputs import structured
from tidemill import networks
from tidemill.chain import artefacts
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.networks import FeeEnv, TxShape, from_data

if not any(row.cached for row in artefacts.ls() if "anvil" in row.package):
    pytest.skip("anvil is not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

pytestmark = pytest.mark.chain

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"  # anvil's first well-known account
SENDER = Account.from_key(KEY).address
L1_BLOCK = "0x4200000000000000000000000000000000000015"
CASES = 200


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil(AnvilOptions(network="optimism", hardfork="isthmus", base_fee=1000, chain_id=10)) as anvil:
        anvil.set_code(L1_BLOCK, b"\0")  # only its storage is read
        yield anvil


def set_prices(chain: Anvil, prices: dict[str, int]) -> None:
    chain.set_storage(L1_BLOCK, 1, prices["l1_base_fee"])
    chain.set_storage(L1_BLOCK, 3, prices["base_fee_scalar"] << 96 | prices["blob_base_fee_scalar"] << 64)
    chain.set_storage(L1_BLOCK, 7, prices["blob_base_fee"])
    chain.set_storage(L1_BLOCK, 8, prices["operator_fee_scalar"] << 64 | prices["operator_fee_constant"])


def signed(rng: random.Random, nonce: int) -> tuple[bytes, int]:
    data = structured(rng, rng.choice((0, 4, 36, 100, 260, 452, 900)))
    tx: dict[str, object] = {
        "chainId": 10,
        "nonce": nonce,
        "to": "0x" + rng.choice(("11", "20")) * 20,
        "value": rng.choice((0, 1, 10**15)),
        "data": data,
        "gas": 2_000_000,
    }
    kind = rng.randrange(3)
    if kind == 2:
        tx |= {"type": 2, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": rng.randrange(10**6)}
    else:
        tx |= {"gasPrice": 10**9 + rng.randrange(10**6)} | ({"type": 1} if kind else {})
    if kind:
        tx["accessList"] = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "00" * 32]}] * rng.randrange(2)
    return bytes(Account.sign_transaction(tx, KEY).raw_transaction), int(str(tx["value"]))


def test_signed_transactions_cost_what_the_node_takes(chain: Anvil) -> None:
    rng = random.Random("signed on anvil")
    op = networks.get("op-mainnet")
    with_data_fee_above_minimum = 0
    for nonce in range(CASES):
        prices = {
            "l1_base_fee": rng.randrange(10 ** rng.randrange(1, 12)),
            "blob_base_fee": rng.randrange(10 ** rng.randrange(1, 12)),
            "base_fee_scalar": rng.choice((0, 1368, 5227, rng.randrange(10**6))),
            "blob_base_fee_scalar": rng.choice((0, 810949, 1014213)),
            "operator_fee_scalar": rng.choice((0, rng.randrange(10**6))),
            "operator_fee_constant": rng.choice((0, rng.randrange(10**12))),
        }
        set_prices(chain, prices)
        raw, value = signed(rng, nonce)
        before = chain.rpc.balance(SENDER)
        tx_hash = chain.rpc.send_raw(raw)
        chain.rpc.request("evm_mine")
        receipt = chain.rpc.receipt(tx_hash)
        assert receipt is not None
        spent = before - chain.rpc.balance(SENDER) - (value if receipt.status else 0)

        tx = TxShape.of(receipt.gas_used, raw)
        levels = {"base_fee": receipt.effective_gas_price, "priority_fee": 0, **prices}
        env = FeeEnv.of(1_750_000_000, {name: from_data(amount) for name, amount in levels.items()})
        parts = op.fee(tx, env)
        assert op.fork(env.time) == "isthmus"
        assert parts.total == spent, (nonce, prices)
        with_data_fee_above_minimum += tx.fastlz_length > 170
    assert with_data_fee_above_minimum > CASES // 4
