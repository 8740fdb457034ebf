"""Views asked as if it were later, against what they answer when it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness import actor
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.later import Later
from tidemill.chain.rpc import RpcRejected
from tidemill.chain.types import Call

pytestmark = pytest.mark.chain

ME = actor("alice")
TOKEN, FARM = Abi(artefact("TestToken").abi), Abi(artefact("StakingRewards").abi)


@pytest.fixture(scope="module")
def farm() -> Iterator[tuple[Anvil, str]]:
    """One who stakes alone where a reward flows."""
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        made = [Deployment(name, "TestToken", (name, name, 18)) for name in ("reward", "staked")]
        tokens = deploy(anvil, ME, made)
        args = ME, tokens["reward"], tokens["staked"]
        at = deploy(anvil, ME, [Deployment("farm", "StakingRewards", args)])["farm"]
        for to, codec, *call in (
            (tokens["staked"], TOKEN, "mint", ME, 10**18),
            (tokens["reward"], TOKEN, "mint", at, 10**20),
            (tokens["staked"], TOKEN, "approve", at, 10**18),
            (at, FARM, "stake", 10**18),
            (at, FARM, "notifyRewardAmount", 10**20),
        ):
            _, (receipt,) = anvil.mine([(ME, Call(to, codec.encode(*call)))])
            assert receipt.status
        yield anvil, at


def test_what_time_alone_adds_is_told_before_it_comes(farm: tuple[Anvil, str]) -> None:
    anvil, at = farm
    here, earned = anvil.rpc.block(), FARM.encode("earned", ME)
    later = Later(anvil.rpc, here.number, here.timestamp + 1_000)
    assert later.works()
    told = later.call(at, earned)
    assert later.call_many([(at, earned), (at, FARM.encode("totalSupply"))])[0] == told
    assert later.block(0).timestamp == here.timestamp + 1_000
    assert later.block(0).number == here.number
    assert FARM.decode("earned", told)[0] > FARM.decode("earned", anvil.rpc.call(at, earned))[0] == 0
    anvil.mine(time_s=here.timestamp + 1_000)
    assert anvil.rpc.call(at, earned) == told
    assert later.call(at, earned) == told  # whatever has come since


def test_a_refusal_is_told_as_one(farm: tuple[Anvil, str]) -> None:
    anvil, at = farm
    later = Later(anvil.rpc, anvil.rpc.block().number, 2_000_000_000)
    (answer,) = later.call_many([(at, FARM.encode("stake", 0))])
    assert isinstance(answer, RpcRejected)


@pytest.mark.parametrize("answer", ["0x" + f"{1_700_000_000:064x}", "0x", None, "what"])
def test_an_endpoint_that_does_not_listen_is_known(
    farm: tuple[Anvil, str], answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    anvil, _ = farm
    later = Later(anvil.rpc, anvil.rpc.block().number, 2_000_000_000)
    monkeypatch.setattr(anvil.rpc, "request", lambda *_: answer)
    assert not later.works()


def test_an_endpoint_that_refuses_is_known(farm: tuple[Anvil, str], monkeypatch: pytest.MonkeyPatch) -> None:
    anvil, _ = farm

    def refuse(*_: Any) -> Any:
        raise RpcRejected("too many arguments", -32602, "too many arguments")

    later = Later(anvil.rpc, anvil.rpc.block().number, 2_000_000_000)
    monkeypatch.setattr(anvil.rpc, "request", refuse)
    assert not later.works()
