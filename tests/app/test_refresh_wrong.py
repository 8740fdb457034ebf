"""`tidemill facts refresh` against an endpoint that answers wrongly: what cannot be is refused by name and never kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.proxy import Exchange, FaultProxy
from kit import tidemill
from tidemill.facts import load_facts

BLOCK = {
    "number": "0x10", "hash": "0x" + "ab" * 32, "parentHash": "0x" + "cd" * 32, "timestamp": hex(1_790_000_000),
    "baseFeePerGas": "0x9",
}  # fmt: skip
RIGHT = {
    "eth_getBlockByNumber": BLOCK, "eth_blobBaseFee": "0x5", "eth_getCode": "0x00",
    "eth_getStorageAt": f"0x{7:064x}", "eth_call": f"0x{42:064x}",
}  # fmt: skip
CHAINS = {"ethereum": 1, "op-mainnet": 10, "arbitrum-one": 42_161}
REFUSED = object()


def asked(network: str, answers: dict[str, Any], *words: object) -> Any:
    """Refresh a network's levels from an endpoint that answers rightly but for ``answers``."""
    known = {"eth_chainId": hex(CHAINS.get(network, 0)), **RIGHT, **answers}

    def answer(exchange: Exchange) -> None:
        request = json.loads(exchange.body)
        value = known.get(request["method"], REFUSED)
        told = {"error": {"code": -32601, "message": "no such method"}} if value is REFUSED else {"result": value}
        exchange.reply_json({"jsonrpc": "2.0", "id": request["id"], **told})

    with FaultProxy("http://127.0.0.1:1") as endpoint:
        endpoint.always = answer
        return tidemill("facts", "refresh", network, "--rpc", endpoint.url, *words)


def test_the_fake_is_believed_where_it_is_right(tmp_path: Path) -> None:
    said = asked("ethereum", {}, "--write", tmp_path / "levels.toml")
    assert said.code == 0 and "not answered" not in said.err
    assert {name: fact.value for name, fact in load_facts(tmp_path / "levels.toml").facts.items()} == {
        "base_fee": 9, "blob_base_fee": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("network", "answers", "line"),
    [
        ("ethereum", {"eth_chainId": "0x2"}, "is on chain 2, expected chain 1"),
        ("ethereum", {"eth_chainId": "one"}, "eth_chainId: expected a hex number, got 'one'"),
        ("ethereum", {"eth_getBlockByNumber": None}, "block latest: the endpoint has none"),
        ("ethereum", {"eth_getBlockByNumber": [1]}, "block latest: expected an object, got [1]"),
        ("ethereum", {"eth_getBlockByNumber": BLOCK | {"baseFeePerGas": None}}, "block 16 has no base fee"),
        ("ethereum", {"eth_getBlockByNumber": BLOCK | {"baseFeePerGas": "-0x1"}}, "expected a hex number, got '-0x1'"),
        (
            "ethereum",
            {"eth_getBlockByNumber": BLOCK | {"baseFeePerGas": "0x" + "f" * 64}},
            "base_fee is absurdly large",
        ),
        (
            "ethereum",
            {"eth_getBlockByNumber": BLOCK | {"timestamp": "0x0"}},
            "is of second 0, which ethereum never had",
        ),
        ("ethereum", {"eth_getBlockByNumber": BLOCK | {"timestamp": "0x" + "f" * 15}}, "which ethereum never had"),
        ("ethereum", {"eth_getBlockByNumber": BLOCK | {"timestamp": "0x" + "f" * 64}}, "which ethereum never had"),
        ("stacks", {}, "network: stacks has no EIP-155 chain id that an endpoint could show; nothing was asked"),
        ("dydx-v3", {"eth_chainId": "0x1"}, "network: dydx-v3 has no EIP-155 chain id"),
    ],
)
def test_without_a_base_fee_nothing_is_kept(network: str, answers: dict[str, Any], line: str, tmp_path: Path) -> None:
    file = tmp_path / "levels.toml"
    said = asked(network, answers, "--write", file)
    assert said.code == 2 and said.out == "" and line in said.line
    assert not file.exists()


@pytest.mark.parametrize(
    ("network", "answers", "line"),
    [
        ("ethereum", {"eth_blobBaseFee": "-0x5"}, "blob base fee: expected a hex number, got '-0x5'"),
        ("ethereum", {"eth_blobBaseFee": "12"}, "blob base fee: expected a hex number, got '12'"),
        ("ethereum", {"eth_blobBaseFee": 5.5}, "blob base fee: expected a hex number, got 5.5"),
        ("ethereum", {"eth_blobBaseFee": None}, "blob base fee: expected a hex number, got null"),
        ("ethereum", {"eth_blobBaseFee": "0x" + "f" * 40}, "blob_base_fee is absurdly large (49 digits)"),
        ("ethereum", {"eth_blobBaseFee": REFUSED}, "eth_feeHistory: no such method"),
        (
            "ethereum",
            {"eth_blobBaseFee": REFUSED, "eth_feeHistory": {"baseFeePerBlobGas": {"a": 1}}},
            "no blob base fee",
        ),
        ("ethereum", {"eth_blobBaseFee": REFUSED, "eth_feeHistory": {"baseFeePerBlobGas": []}}, "no blob base fee"),
        ("op-mainnet", {"eth_getStorageAt": "0x" + "ff" * 64}, "expected a word of 32 bytes, got 64"),
        ("op-mainnet", {"eth_getStorageAt": None}, "eth_getStorageAt: expected hex bytes, got null"),
        ("op-mainnet", {"eth_getStorageAt": "0x" + "ff" * 32}, "is absurdly large (78 digits)"),
        ("op-mainnet", {"eth_getStorageAt": "0x"}, "L1Block has never been told of Ethereum"),
        ("op-mainnet", {"eth_getCode": "0x"}, "no contract stands at 0x4200000000000000000000000000000000000015"),
        ("arbitrum-one", {"eth_call": "0x2a"}, "1 bytes from getL1BaseFeeEstimate"),
        ("arbitrum-one", {"eth_call": "0x" + "ff" * 32}, "price_per_unit is absurdly large"),
    ],
)
def test_a_wrong_answer_is_named_and_the_old_level_stays(
    network: str, answers: dict[str, Any], line: str, tmp_path: Path
) -> None:
    file = tmp_path / "levels.toml"
    assert asked(network, {}, "--write", file).code == 0
    before = {name: fact.value for name, fact in load_facts(file).facts.items()}
    said = asked(network, answers | {"eth_getBlockByNumber": BLOCK | {"baseFeePerGas": "0xb"}}, "--write", file)
    assert said.code == 0 and any(line in told for told in said.err.splitlines() if told.startswith("not answered: "))
    assert {name: fact.value for name, fact in load_facts(file).facts.items()} == before | {"base_fee": 11}
