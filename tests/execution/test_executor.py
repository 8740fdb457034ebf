"""The executor's rules one by one, against a real local chain; the journal's on both of its kinds."""

from __future__ import annotations

import sqlite3
from itertools import pairwise

import pytest

from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.types import Call
from tidemill.errors import BadData, BadInput, ExecutionHalted, InvariantBroken
from tidemill.execution.decisions import Decided, memo_type
from tidemill.execution.executor import Executor, Finality, NotSent
from tidemill.execution.journal import MemoryJournal, SqliteJournal
from tidemill.execution.limits import SpendLimits
from tidemill.execution.rows import Attempt, Row
from tidemill.execution.wallet import DevWallet, Unsigned
from tidemill.interfaces import All, Claimable, Decision, Every, Intent, Limits, Of, Plan, PositionOf
from tidemill.strategies.hold import Hold
from tidemill.strategies.liquidity import LpMemo

PAYEE = "0x00000000000000000000000000000000000000b1"
LIMITS = SpendLimits(value_per_tx=10**18, fee_per_tx=10**18)
REVERTS = "0x00000000000000000000000000000000000000c1"


@pytest.fixture(scope="module")
def shared():
    with Anvil(AnvilOptions(base_fee=10**9, gas_limit=30_000_000)) as chain:
        yield chain


@pytest.fixture
def anvil(shared):
    snapshot = shared.snapshot()
    yield shared
    shared.rpc.request("anvil_dropAllTransactions")  # a snapshot does not hold what waits
    shared.revert(snapshot)


@pytest.fixture(params=["memory", "sqlite"])
def journal(request, tmp_path):
    made = MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "journal")
    yield made
    made.close()


def executor(anvil, journal, limits=LIMITS, **more):
    made = Executor(anvil.rpc, DevWallet(), journal, limits, chain_id=31337, **({"finality": Finality(depth=2)} | more))
    made.start()
    return made


def mine(anvil, blocks=1):
    for _ in range(blocks):
        anvil.rpc.request("evm_mine")


# --- the executor -----------------------------------------------------------------------------------------------------


@pytest.mark.chain
def test_done_only_at_finality(anvil, journal):
    sender = executor(anvil, journal)
    row = sender.send("a", Call(PAYEE, b"", 7))
    assert row.state == "open"
    assert sender.receipt("a") is None
    mine(anvil)
    assert sender.poll()
    assert sender.receipt("a").status
    mine(anvil, 2)
    assert not sender.poll()
    done = journal.row("a")
    assert (done.state, done.tx_hash) == ("done", row.attempts[0].hash)
    assert anvil.rpc.balance(PAYEE) == 7


@pytest.mark.chain
def test_an_intent_id_is_signed_once(anvil, journal):
    sender = executor(anvil, journal)
    first = sender.send("a", Call(PAYEE, b"", 7))
    assert sender.send("a", Call(PAYEE, b"", 7)) == first
    with pytest.raises(InvariantBroken, match="another receiver, value or data"):
        sender.send("a", Call(PAYEE, b"", 8))
    mine(anvil, 3)
    sender.poll()
    assert sender.send("a", Call(PAYEE, b"", 7)).state == "done"
    mine(anvil)
    assert anvil.rpc.balance(PAYEE) == 7


@pytest.mark.chain
def test_nothing_is_signed_that_does_not_simulate_or_that_a_limit_forbids(anvil, journal):
    anvil.set_code(REVERTS, bytes.fromhex("60006000fd"))
    sender = executor(anvil, journal)
    with pytest.raises(NotSent, match="would revert"):
        sender.send("a", Call(REVERTS, b""))
    with pytest.raises(NotSent, match="more than 1000000000000000000 per transaction"):
        sender.send("b", Call(PAYEE, b"", 10**18 + 1))
    with pytest.raises(NotSent, match="above max_fee 5"):
        sender.send("c", Call(PAYEE, b"", 1), max_fee_wei=5)
    tight = executor(anvil, journal, SpendLimits(10**18, 10**18, allowed=frozenset({(PAYEE, b"abcd")})))
    with pytest.raises(NotSent, match="not on the allow-list"):
        tight.send("d", Call(PAYEE, b"abce"))
    with pytest.raises(NotSent, match="the account holds"):
        executor(anvil, journal, SpendLimits(10**30, 10**18)).send("e", Call(PAYEE, b"", 10**25))
    assert not journal.open_rows()
    assert anvil.rpc.nonce(DevWallet().address, block="pending") == 0
    assert tight.send("f", Call(PAYEE, b"abcd")).state == "open"


@pytest.mark.chain
def test_a_transaction_that_reverts_once_included_is_failed_and_never_tried_again(anvil, journal):
    sender = executor(anvil, journal)
    sender.send("a", Call(REVERTS, b"", 1))
    anvil.set_code(REVERTS, bytes.fromhex("60006000fd"))
    mine(anvil, 3)
    assert not sender.poll()
    assert journal.row("a").state == "failed"
    assert anvil.rpc.nonce(DevWallet().address) == 1


@pytest.mark.chain
def test_what_the_pool_dropped_is_sent_again_with_the_same_bytes(anvil, journal):
    sender = executor(anvil, journal)
    row = sender.send("a", Call(PAYEE, b"", 7))
    anvil.drop(row.attempts[0].hash)
    mine(anvil)
    assert sender.receipt("a") is None
    sender.poll()
    mine(anvil, 3)
    assert not sender.poll()
    assert journal.row("a").tx_hash == row.attempts[0].hash


@pytest.mark.chain
def test_a_stuck_transaction_is_replaced_at_the_same_nonce_with_only_the_fee_raised(anvil, journal):
    anvil.set_base_fee(10**9)
    sender = executor(anvil, journal, patience=2)
    row = sender.send("a", Call(PAYEE, b"", 7))
    for _ in range(4):
        anvil.set_base_fee(10**10)  # too dear for the first bytes
        mine(anvil)
        sender.poll()
    stuck = journal.row("a")
    assert len(stuck.attempts) > 1
    assert (stuck.nonce, stuck.to, stuck.value, stuck.data) == (row.nonce, row.to, row.value, row.data)
    fees = [a.max_fee for a in stuck.attempts]
    assert all(b * 100 >= a * 110 for a, b in pairwise(fees))
    for _ in range(60):
        anvil.set_base_fee(10**10)
        mine(anvil)
        if not sender.poll():
            break
    # The limit stops it at five times the first fee, below what this market asks: it stays open, nothing is doubled.
    assert fees[0] * 5 >= journal.row("a").attempts[-1].max_fee
    anvil.set_base_fee(10**9)
    mine(anvil, 3)
    assert not sender.poll()
    assert anvil.rpc.balance(PAYEE) == 7


@pytest.mark.chain
def test_a_nonce_used_by_somebody_else_halts(anvil, journal):
    sender = executor(anvil, journal)
    row = sender.send("a", Call(PAYEE, b"", 7))
    anvil.drop(row.attempts[0].hash)
    raw, _ = DevWallet().sign(Unsigned(31337, row.nonce, PAYEE, 1, b"", 21_000, 10**10, 1))
    anvil.rpc.send_raw(raw)
    mine(anvil)
    with pytest.raises(
        ExecutionHalted, match="nonce 0 of 0x[0-9a-fA-F]{40} was used by a transaction this journal did not sign"
    ):
        sender.poll()
    with pytest.raises(ExecutionHalted):
        executor(anvil, journal)


@pytest.mark.chain
def test_a_key_used_elsewhere_between_two_sends_halts_before_signing(anvil, journal):
    sender = executor(anvil, journal)
    sender.send("a", Call(PAYEE, b"", 7))
    mine(anvil, 3)
    assert not sender.poll()
    raw, _ = DevWallet().sign(Unsigned(31337, 1, PAYEE, 1, b"", 21_000, 10**10, 1))
    anvil.rpc.send_raw(raw)
    mine(anvil)
    with pytest.raises(ExecutionHalted, match="nonce 1 of"):
        sender.send("b", Call(PAYEE, b"", 7))
    assert journal.row("b") is None


@pytest.mark.chain
def test_several_may_wait_at_once_each_with_its_own_nonce(anvil, journal):
    sender = executor(anvil, journal)
    rows = [sender.send(f"n{i}", Call(PAYEE, b"", 7)) for i in range(4)]
    assert [r.nonce for r in rows] == [0, 1, 2, 3]
    mine(anvil, 3)
    assert not sender.poll()
    assert anvil.rpc.balance(PAYEE) == 28


@pytest.mark.chain
def test_it_refuses_another_chain_and_to_send_before_it_started(anvil, journal):
    with pytest.raises(ExecutionHalted, match="on chain 31337, not on 10"):
        Executor(anvil.rpc, DevWallet(), journal, LIMITS, chain_id=10)
    unstarted = Executor(anvil.rpc, DevWallet(), journal, LIMITS, chain_id=31337)
    with pytest.raises(InvariantBroken, match="start"):
        unstarted.send("a", Call(PAYEE, b"", 7))


@pytest.mark.chain
def test_a_journal_that_does_not_know_what_waits_refuses_to_add_to_it(anvil, journal):
    raw, _ = DevWallet().sign(Unsigned(31337, 0, PAYEE, 1, b"", 21_000, 10**10, 1))
    anvil.rpc.send_raw(raw)
    with pytest.raises(ExecutionHalted, match="transactions waiting that this journal does not know"):
        executor(anvil, journal).send("a", Call(PAYEE, b"", 7))


@pytest.mark.chain
def test_finality_by_tag(anvil, journal):
    sender = executor(anvil, journal, finality=Finality(tag="finalized"))
    sender.send("a", Call(PAYEE, b"", 7))
    mine(anvil)
    assert sender.poll()
    mine(anvil, 70)  # anvil finalises 64 blocks behind its head
    assert not sender.poll()


# --- wallet and journal -----------------------------------------------------------------------------------------------


def test_the_development_wallet_signs_for_local_chains_only_and_shows_no_key():
    wallet = DevWallet()
    with pytest.raises(BadInput, match="local chains, not for 10"):
        wallet.sign(Unsigned(10, 0, PAYEE, 1, b"", 21_000, 1, 1))
    key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    assert key not in repr(wallet) + str(vars(wallet)).lower()
    assert wallet.sign(Unsigned(31337, 0, PAYEE, 1, b"", 21_000, 1, 1)) == wallet.sign(
        Unsigned(31337, 0, PAYEE, 1, b"", 21_000, 1, 1)
    )
    with pytest.raises(BadInput, match="no development account 7"):
        DevWallet(7)


def row(row_id="a", nonce=0, **more):
    return Row(
        row_id,
        1,
        "0xme",
        nonce,
        PAYEE,
        2**255,
        b"\x00\xff",
        21_000,
        attempts=(Attempt(f"h{row_id}", b"raw", 2**70, 1),),
        **more,
    )


def test_rows_come_back_as_they_went_in(journal):
    journal.open_row(row())
    journal.open_row(row("b", 1))
    assert journal.row("a") == row()
    assert journal.row("c") is None
    journal.add_attempt("b", Attempt("h2", b"raw2", 2**71, 2))
    assert [r.id for r in journal.open_rows()] == ["a", "b"]
    assert [a.hash for a in journal.row("b").attempts] == ["hb", "h2"]
    journal.finish("b", "done", "h2", 9, "0xblock")
    assert [r.id for r in journal.open_rows()] == ["a"]
    assert (journal.row("b").state, journal.row("b").block_number) == ("done", 9)
    assert (journal.last_nonce(1, "0xme"), journal.last_nonce(2, "0xme")) == (1, None)


@pytest.mark.parametrize("again", [row("a", 5), row("z", 0)], ids=["same id", "same nonce"])
def test_one_row_per_id_and_per_nonce(journal, again):
    journal.open_row(row())
    with pytest.raises(InvariantBroken):
        journal.open_row(again)
    assert len(journal.open_rows()) == 1
    assert journal.last_nonce(1, "0xme") == 0


def test_decisions_come_back_whole(journal):
    steps = (
        Intent(
            "p",
            "mint",
            {"a": All("T@op", 3), "b": Of(0, "x", 5), "c": PositionOf(0), "d": 2**200},
            Limits({"m": Of(0, "x")}),
        ),
    )
    decision = Decision(
        (Plan(steps, id="p1"),), ("old",), (Every(5), Claimable("v", "v#1", "T@op", 2**90)), LpMemo(failures=2)
    )
    journal.decide("run", Decided.of(0, "seen", decision))
    (stored,) = journal.decisions("run")
    assert stored.decision(memo_type(Hold("v", "T@op"))) == decision
    assert journal.decisions("other") == ()


def test_the_file_survives_and_keeps_others_out(tmp_path):
    path = tmp_path / "journal"
    first = SqliteJournal(path)
    first.open_row(row())
    with pytest.raises(BadInput, match="another process holds this journal"):
        SqliteJournal(path)
    first.close()
    second = SqliteJournal(path)
    assert second.row("a") == row()
    assert second._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert second._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert second._db.execute("PRAGMA foreign_keys").fetchone() == (1,)
    second.close()


@pytest.mark.parametrize("damage", ["garbage", "page", "version"])
def test_a_damaged_journal_is_refused_before_anything_is_sent(tmp_path, damage):
    path = tmp_path / "journal"
    made = SqliteJournal(path)
    for n in range(200):
        made.open_row(row(f"r{n}", n))
    made.close()
    raw = bytearray(path.read_bytes())
    if damage == "garbage":
        path.write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    elif damage == "page":
        raw[8_192:12_288] = bytes(4_096)
        path.write_bytes(raw)
    else:
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version=9")
        db.close()
    with pytest.raises(BadData, match="restore it before sending anything"):
        SqliteJournal(path)
