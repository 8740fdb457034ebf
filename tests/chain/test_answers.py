"""What is read out of a receipt: the fee is the same in all, data apart where the network says it."""

from __future__ import annotations

from typing import Any

import pytest

from tidemill.chain import answers
from tidemill.errors import RpcError

RECEIPT: dict[str, Any] = {
    "transactionHash": "0x" + "11" * 32,
    "blockNumber": "0x10",
    "blockHash": "0x" + "22" * 32,
    "status": "0x1",
    "gasUsed": hex(150_000),
    "effectiveGasPrice": hex(20_000_000),
    "logs": [],
}


def parts(**fields: str) -> tuple[int, int, int]:
    found = answers.receipt({**RECEIPT, **fields}, "receipt")
    assert found is not None
    return found.gas_used, found.gas_used * found.effective_gas_price, found.l1_fee


def test_data_is_taken_apart_where_the_network_says_it() -> None:
    assert parts() == (150_000, 150_000 * 20_000_000, 0)
    assert parts(l1Fee=hex(77)) == (150_000, 150_000 * 20_000_000, 77)
    assert parts(gasUsedForL1=hex(9_000)) == (141_000, 141_000 * 20_000_000, 9_000 * 20_000_000)
    assert sum(parts(gasUsedForL1=hex(9_000))[1:]) == sum(parts()[1:]), "the whole fee stays the same"


def test_more_gas_for_data_than_gas_is_no_receipt() -> None:
    assert parts(gasUsedForL1=hex(150_000))[0] == 0
    with pytest.raises(RpcError, match="receipt: gasUsedForL1 150001 is more than gasUsed 150000"):
        parts(gasUsedForL1=hex(150_001))
