"""The batch reader's answers are those of the calls one by one, and no call spoils another."""

from __future__ import annotations

import pytest

from harness import actor
from harness.contract import Contract, deploy
from harness.evm import Evm
from tidemill.chain.abi import decode_revert
from tidemill.interfaces import Revert

pytestmark = pytest.mark.chain


@pytest.fixture
def evm() -> Evm:
    return Evm()


@pytest.fixture
def reader(evm: Evm) -> Contract:
    return deploy(evm, actor("maker"), "BatchReader")


@pytest.fixture
def tokens(evm: Evm) -> list[Contract]:
    maker = actor("maker")
    made = [deploy(evm, maker, "TestToken", f"Token {i}", f"T{i}", 6 + i) for i in range(3)]
    for i, token in enumerate(made):
        token.send(maker, "mint", actor("alice"), 10**i + 7)
    return made


def calls(tokens: list[Contract]) -> list[tuple[str, bytes]]:
    asked = [("balanceOf", actor("alice")), ("decimals",), ("symbol",), ("totalSupply",), ("balanceOf", actor("bob"))]
    return [(token.address, token.abi.encode(name, *args)) for token in tokens for name, *args in asked]


def test_answers_equal_the_calls_one_by_one(evm: Evm, reader: Contract, tokens: list[Contract]) -> None:
    wanted = calls(tokens)
    single = [evm.view(to, data) for to, data in wanted]
    assert len(set(single)) > 6
    assert reader.view("read", wanted) == tuple((True, answer) for answer in single)


def test_a_call_that_fails_spoils_no_other(evm: Evm, reader: Contract, tokens: list[Contract]) -> None:
    wanted = calls(tokens)
    single = [(True, evm.view(to, data)) for to, data in wanted]
    token = tokens[0]
    with pytest.raises(Revert) as said:
        token.view("transferFrom", actor("alice"), actor("bob"), 1)
    refused = token.address, token.abi.encode("transferFrom", actor("alice"), actor("bob"), 1)
    unknown = token.address, bytes.fromhex("deadbeef")
    for at in (0, 7, len(wanted)):
        got = reader.view("read", [*wanted[:at], refused, unknown, *wanted[at:]])
        assert (*got[:at], *got[at + 2 :]) == tuple(single)
        assert [answer[0] for answer in got[at : at + 2]] == [False, False]
        assert decode_revert(got[at][1]) == said.value.args[0]


def test_its_views_change_nothing(evm: Evm, reader: Contract, tokens: list[Contract]) -> None:
    token = tokens[1]
    write = token.address, token.abi.encode("mint", actor("bob"), 5)
    assert reader.send(actor("maker"), "read", [write])[0][0] is False
    assert token.view("balanceOf", actor("bob")) == 0


def test_an_empty_batch_and_an_address_without_code(reader: Contract, tokens: list[Contract]) -> None:
    assert not reader.view("read", [])
    assert reader.view("read", [(actor("nobody"), tokens[0].abi.encode("decimals"))]) == ((True, b""),)


def test_an_answer_is_cut_at_640_bytes(evm: Evm, reader: Contract) -> None:
    code = "6102bc6000f3"  # return(0, 700): memory is zero
    at = evm.create(actor("maker"), bytes.fromhex("65" + code + "6000526006601af3"))  # put there by its constructor
    assert evm.view(at, b"") == bytes(700)
    assert reader.view("read", [(at, b"")]) == ((True, bytes(640)),)


def test_a_batch_holds_512_calls(evm: Evm, reader: Contract, tokens: list[Contract]) -> None:
    one = tokens[0].address, tokens[0].abi.encode("decimals")
    assert len(reader.view("read", [one] * 512)) == 512
    with pytest.raises(Revert):
        reader.view("read", [one] * 513)
