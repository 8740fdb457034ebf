"""The local chain: how it starts and ends, blocks in a set order, state and reorganisations."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import actor
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.cache import cache_root
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadInput, MissingArtefact, RpcError

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def shared() -> Iterator[Anvil]:
    with Anvil() as chain:
        yield chain


@pytest.fixture
def anvil(shared: Anvil) -> Iterator[Anvil]:
    snapshot = shared.snapshot()
    yield shared
    shared.revert(snapshot)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def _gone(pid: int, within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not _alive(pid):
            return True
        time.sleep(0.02)
    return False


# -- ending --------------------------------------------------------------------------------------------------------


def test_the_context_manager_ends_the_process_and_leaves_no_zombie() -> None:
    with Anvil() as chain:
        pid, folder = chain.pid, Path(chain.socket).parent
        assert pid is not None and _alive(pid) and chain.rpc.block().number == 0
        assert chain.http.startswith("http://127.0.0.1:")
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists() and chain.pid is None
    chain.stop()  # harmless


def test_an_error_inside_ends_it_too() -> None:
    with pytest.raises(ZeroDivisionError), Anvil() as chain:  # noqa: PT012
        pid = chain.pid
        raise ZeroDivisionError
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("end", ["exit", "kill", "forget"])
def test_it_never_outlives_its_parent(end: str) -> None:
    code = """
        import os, signal, sys
        from tidemill.chain.anvil import Anvil
        chain = Anvil()
        print(chain.pid, chain.socket, flush=True)
        if sys.argv[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif sys.argv[1] == "forget":
            pid = chain.pid
            del chain
            print(os.path.exists(f"/proc/{pid}"), flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), end], capture_output=True, text=True, check=False
    )
    lines = done.stdout.split()
    assert done.returncode == (-signal.SIGKILL if end == "kill" else 0), done.stderr
    assert _gone(int(lines[0]))
    folder, deadline = Path(lines[1]).parent, time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()


def test_an_option_it_refuses_is_one_line() -> None:
    with pytest.raises(RpcError, match="anvil ended at once with code 1: Error: Unknown hardfork") as caught:
        Anvil(AnvilOptions(hardfork="no-such-fork"))
    assert "\n" not in str(caught.value)


def test_a_fork_keeps_nothing_of_another_chain_with_the_same_id_and_block(tmp_path: Path) -> None:
    """What anvil would keep by chain id and block number is another chain's the next time."""
    where = actor("word")
    for value in (7, 8):
        with Anvil() as chain:
            chain.set_storage(where, 1, value)
            chain.mine()
            with Anvil(AnvilOptions(fork_url=chain.http, fork_block=1, hardfork="prague")) as fork:
                assert fork.rpc.storage(where, 1) == value
                fork.set_storage(where, 1, 99)
                fork.mine()
            assert chain.rpc.storage(where, 1) == value


def test_a_foreign_executable_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIDEMILL_ANVIL", str(tmp_path / "none"))
    with pytest.raises(MissingArtefact, match="TIDEMILL_ANVIL: .* is not an executable"):
        Anvil()
    script = tmp_path / "anvil"
    script.write_text("#!/bin/sh\necho no luck today\nexit 7\n")
    script.chmod(0o755)
    monkeypatch.setenv("TIDEMILL_ANVIL", str(script))
    with pytest.raises(RpcError, match="ended at once with code 7: no luck today"):
        Anvil()


def test_a_chain_that_dies_is_an_rpc_error() -> None:
    with Anvil() as chain:
        assert chain.pid is not None
        os.kill(chain.pid, signal.SIGKILL)
        with pytest.raises(RpcError, match="connection broke"):
            chain.rpc.block()


# -- blocks --------------------------------------------------------------------------------------------------------


def test_many_transactions_in_one_block_in_a_set_order(anvil: Anvil) -> None:
    token = deploy(anvil, actor("maker"), [Deployment("t", "TestToken", ("T", "T", 6))])["t"]
    from tidemill.chain.abi import Abi
    from tidemill.chain.artefacts import artefact

    abi = Abi(artefact("TestToken").abi)
    # Each holder passes on what the one before sent: only this order succeeds.
    holders = [actor(f"holder {i}") for i in range(40)]
    calls = [(actor("maker"), Call(token, abi.encode("mint", holders[0], 1000)))]
    calls += [(a, Call(token, abi.encode("transfer", b, 1000))) for a, b in itertools.pairwise(holders)]
    block, receipts = anvil.mine(calls, time_s=1_900_000_000)
    assert block.timestamp == 1_900_000_000
    assert all(r.status and r.block_hash == block.hash for r in receipts)
    assert abi.decode("balanceOf", anvil.rpc.call(token, abi.encode("balanceOf", holders[-1]))) == (1000,)
    _block, receipts = anvil.mine([(holders[0], Call(token, abi.encode("transfer", holders[1], 1)))])
    assert not receipts[0].status


def test_a_transaction_left_over_is_not_mined_unnoticed(anvil: Anvil) -> None:
    anvil.rpc.send_unlocked(Call(actor("x"), b""), actor("early"), gas=21_000, maxFeePerGas=0, maxPriorityFeePerGas=0)
    with pytest.raises(RpcError, match="mined 2 transactions, not the 1 given"):
        anvil.mine([(actor("late"), Call(actor("x"), b""))])


def test_blocks_follow_at_a_fixed_pace_whatever_the_clock_says(anvil: Anvil) -> None:
    start = anvil.mine(time_s=1_950_000_000)[0]
    assert [anvil.mine()[0].timestamp - start.timestamp for _ in range(3)] == [2, 4, 6]
    anvil.skip(10)
    assert anvil.rpc.block().timestamp - start.timestamp == 26
    assert anvil.rpc.block().number == start.number + 13


def test_base_fee_is_paid(anvil: Anvil) -> None:
    me = actor("payer")
    anvil.set_balance(me, 10**18)
    block, (receipt,) = anvil.mine([(me, Call(actor("x"), b"", 5))], base_fee=10**9)
    assert block.base_fee == receipt.effective_gas_price == 10**9
    assert anvil.rpc.balance(me) == 10**18 - 5 - 21_000 * 10**9
    # The next block is back at the chain's own fee, for which an account without money can send.
    block, (receipt,) = anvil.mine([(actor("pauper"), Call(actor("x"), b""))])
    assert (block.base_fee, receipt.status) == (0, True)


def test_a_chain_that_mines_by_itself_is_not_filled_by_hand() -> None:
    with Anvil(AnvilOptions(automine=True)) as chain:
        me = actor("me")
        chain.set_balance(me, 10**18)
        tx = chain.rpc.send_unlocked(Call(actor("x"), b"", 7), me)
        # It mines a moment after it accepts.
        deadline = time.monotonic() + 5
        while (receipt := chain.rpc.receipt(tx)) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert receipt is not None and receipt.block_number == 1
        with pytest.raises(RpcError, match="mines by itself"):
            chain.mine()


# -- state ---------------------------------------------------------------------------------------------------------


def test_state_is_set_and_snapshots_work_once(anvil: Anvil) -> None:
    who = actor("somebody")
    snapshot = anvil.snapshot()
    anvil.set_balance(who, 123)
    anvil.set_code(who, bytes.fromhex("60015460005260206000f3"))  # returns storage slot 1
    anvil.set_storage(who, 1, 77)
    anvil.set_nonce(who, 9)
    assert (anvil.rpc.balance(who), anvil.rpc.storage(who, 1), anvil.rpc.nonce(who)) == (123, 77, 9)
    assert int.from_bytes(anvil.rpc.call(who, b""), "big") == 77
    anvil.revert(snapshot)
    assert (anvil.rpc.balance(who), anvil.rpc.code(who)) == (0, b"")
    with pytest.raises(RpcError, match="works once"):
        anvil.revert(snapshot)


def test_rollback_and_reorganisation() -> None:
    with Anvil() as anvil:
        me, other = actor("me"), actor("other")
        anvil.set_balance(me, 10**18)
        first, _ = anvil.mine([(me, Call(other, b"", 1))])
        second, (receipt,) = anvil.mine([(me, Call(other, b"", 2))])
        assert (anvil.rpc.balance(other), anvil.rpc.nonce(me)) == (3, 2)
        anvil.reorganise(1)
        # Same height, another block: the transaction is gone, its nonce is free again, old hashes are unknown.
        now = anvil.rpc.block()
        assert now.number == second.number and now.hash != second.hash and now.parent_hash == first.hash
        assert (anvil.rpc.balance(other), anvil.rpc.nonce(me)) == (1, 1)
        assert anvil.rpc.receipt(receipt.tx_hash) is None
        with pytest.raises(RpcError):
            anvil.rpc.balance(other, block=second)
        anvil.rollback(2)
        assert anvil.rpc.block().number == 0 and anvil.rpc.balance(other) == 0


def test_deployments_refer_to_each_other_and_failures_are_named(anvil: Anvil) -> None:
    maker = actor("deployer")
    at = deploy(
        anvil,
        maker,
        [
            Deployment("router", "SwapRouter", (AddressOf("factory"), AddressOf("weth"))),
            Deployment("factory", "UniswapV3Factory"),
            Deployment("weth", "WETH9"),
        ],
    )
    factory = anvil.rpc.call(at["router"], bytes.fromhex("c45a0155"))  # factory()
    assert "0x" + factory[12:].hex() == at["factory"]
    # A pool asks its deployer for its parameters; an account that is no factory cannot answer.
    with pytest.raises(RpcError, match=r"deploying lone \(UniswapV3Pool\) reverted"):
        deploy(anvil, maker, [Deployment("fine", "WETH9"), Deployment("lone", "UniswapV3Pool")])
    with pytest.raises(BadInput, match="cannot encode"):
        deploy(anvil, maker, [Deployment("t", "TestToken", ("T", "T", 256))])


# -- mining by itself ----------------------------------------------------------------------------------------------


def _later(chain: Anvil, number: int, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while chain.rpc.block().number < number and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_chain_goes_on_by_itself_with_the_state_it_had() -> None:
    sender, other = actor("live one"), actor("live two")
    with Anvil(AnvilOptions(seconds_per_block=0)) as chain:
        chain.set_balance(sender, 10**18)
        chain.mine([(sender, Call(other, b"", value=7))], time_s=1_700_000_500)
        first = chain.pid
        chain.mine_every(0.02, seconds_per_block=12)
        assert chain.pid != first and not Path(f"/proc/{first}").exists()
        assert (chain.rpc.balance(other), chain.rpc.nonce(sender)) == (7, 1)
        start = chain.rpc.block().number
        _later(chain, start + 4)
        times = [chain.rpc.block(number).timestamp for number in range(start + 1, start + 5)]
        assert [b - a for a, b in itertools.pairwise(times)] == [12, 12, 12]
        assert times[0] >= 1_700_000_500
        chain.rpc.send_unlocked(Call(other, b"", value=5), sender, gas=21_000, maxFeePerGas=0, maxPriorityFeePerGas=0)
        _later(chain, chain.rpc.block().number + 2)
        assert chain.rpc.balance(other) == 12
        with pytest.raises(RpcError, match="mines by itself"):
            chain.mine()
        chain.stop_mining()
        still = chain.rpc.block().number
        time.sleep(0.2)
        assert chain.rpc.block().number <= still + 1  # one may have been under way
        pid, folder = chain.pid, Path(chain.socket).parent
    assert not Path(f"/proc/{pid}").exists() and not folder.exists()


def test_a_pinned_connection_answers_of_its_block(anvil: Anvil) -> None:
    sender, other = actor("live one"), actor("live two")
    anvil.set_balance(sender, 10**18)
    before, _ = anvil.mine([(sender, Call(other, b"", value=1))])
    held = anvil.rpc.balance(other)
    anvil.mine([(sender, Call(other, b"", value=2))])
    assert anvil.rpc.balance(other) == held + 2
    anvil.rpc.pin = before.number
    try:
        assert anvil.rpc.balance(other) == held and anvil.rpc.block() == before
        assert anvil.rpc.balance(other, block=before.number + 1) == held + 2
    finally:
        anvil.rpc.pin = None
    assert anvil.rpc.balance(other) == held + 2


def test_nothing_of_the_chain_outlives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """anvil writes old states to disk, by default under the home folder, and leaves them there when it is killed."""
    monkeypatch.setenv("TIDEMILL_CACHE", str(cache_root()))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Anvil() as anvil:
        folder = Path(anvil.socket).parent
        for _ in range(600):  # more than it keeps in memory
            anvil.mine([])
        assert any((folder / "states").rglob("*"))
    assert not folder.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
