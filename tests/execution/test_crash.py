"""Five payouts on a real local chain, the process killed at every journal write and every call to the endpoint; lost
answers; reorganisations. Nothing may be paid twice and nothing may be lost. The naive sender is measured beside it.
"""

from __future__ import annotations

import pytest
from faults import Fuse, Fused, Killed

from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.types import Call
from tidemill.errors import ExecutionHalted, RpcError
from tidemill.execution.executor import Executor, Finality
from tidemill.execution.ids import intent_id
from tidemill.execution.journal import SqliteJournal
from tidemill.execution.limits import SpendLimits
from tidemill.execution.wallet import DevWallet, Unsigned

pytestmark = pytest.mark.chain

PAYEES = [f"0x{n:040x}" for n in range(0xA1, 0xA6)]
VALUE = 10**15
LIMITS = SpendLimits(value_per_tx=10**18, fee_per_tx=10**18)
DEPTH = 3


@pytest.fixture(scope="module")
def shared():
    with Anvil(AnvilOptions(base_fee=10**9, gas_limit=30_000_000)) as chain:
        yield chain


def rewind(chain, snapshot):
    """Back to ``snapshot`` with nothing waiting: a snapshot does not hold the pool, and signing is deterministic, so a
    transaction left over from one crash point would pay for the next and hide a loss.
    """
    chain.rpc.request("anvil_dropAllTransactions")
    chain.revert(snapshot)


@pytest.fixture
def anvil(shared):
    snapshot = shared.snapshot()
    yield shared
    rewind(shared, snapshot)


def paid(anvil):
    return [anvil.rpc.balance(p) for p in PAYEES]


def executor(anvil, path, fuse, wallet, kind=Executor, depth=DEPTH):
    journal = SqliteJournal(path)
    try:
        return journal, kind(
            Fused(anvil.rpc, fuse),
            wallet,
            Fused(journal, fuse),
            LIMITS,
            chain_id=31337,
            finality=Finality(depth=depth),
        )
    except BaseException:
        journal.close()
        raise


def programme(anvil, path, fuse, wallet, trouble=None, **more):
    """What a process does: start, send what is to be sent, poll until all is final; ``trouble(turn)`` shakes the chain."""
    journal, sender = executor(anvil, path, fuse, wallet, **more)
    try:
        sender.start()
        for i, payee in enumerate(PAYEES):
            sender.send(intent_id("plan", i), Call(payee, b"", VALUE))
            anvil.rpc.request("evm_mine")
        for turn in range(160):
            if trouble:
                trouble(turn)
            if not sender.poll():
                return [journal.row(intent_id("plan", i)).state for i in range(5)]
            anvil.rpc.request("evm_mine")
        raise AssertionError("never final")
    finally:
        journal.close()


def test_undisturbed_every_payee_is_paid_once(anvil, tmp_path):
    assert programme(anvil, tmp_path / "j", Fuse(), DevWallet()) == ["done"] * 5
    assert paid(anvil) == [VALUE] * 5


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.long)], ids=["sample", "every point"])
def test_killed_at_every_write_and_every_call_nothing_is_lost_or_paid_twice(shared, tmp_path, stride):
    wallet, whole = DevWallet(), Fuse()
    snapshot = shared.snapshot()
    programme(shared, tmp_path / "whole", whole, wallet)
    rewind(shared, snapshot)
    writes = [n for n in whole.names if n in {"open_row", "finish", "add_attempt"}]
    assert writes.count("open_row") == writes.count("finish") == 5
    points = wrong = killed = 0
    every = [(at, after) for at in range(whole.count) for after in (False, True)]
    send = [i for i, (at, _) in enumerate(every) if whole.names[at] in {"open_row", "send_raw"}]
    for i, (at, after) in enumerate(every):
        if i % stride == 0 or i in send:
            snapshot = shared.snapshot()
            path = tmp_path / f"{at}{after}"
            try:
                programme(shared, path, Fuse(at, after=after), wallet)
            except Killed:
                killed += 1
            states = programme(shared, path, Fuse(), wallet)
            points += 1
            wrong += paid(shared) != [VALUE] * 5 or states != ["done"] * 5
            rewind(shared, snapshot)
    print(f"{points} of {len(every)} crash points, {killed} kills, {wrong} with money lost or paid twice")
    assert points == killed >= (140 if stride == 1 else 40)
    assert wrong == 0


@pytest.mark.parametrize("after", [False, True], ids=["before it is accepted", "after it is accepted"])
def test_an_answer_lost_at_any_call_loses_and_doubles_nothing(shared, tmp_path, after):
    wallet, whole = DevWallet(), Fuse()
    snapshot = shared.snapshot()
    programme(shared, tmp_path / "whole", whole, wallet)
    rewind(shared, snapshot)
    wrong = asked = 0
    calls = [at for at, name in enumerate(whole.names) if hasattr(shared.rpc, name)]  # the others are the journal's
    for at in [at for at in calls if at % 3 == 0 or whole.names[at] == "send_raw"]:
        snapshot, path = shared.snapshot(), tmp_path / f"{at}"
        for fuse in (Fuse(at, after=after, error=RpcError), Fuse()):
            try:
                programme(shared, path, fuse, wallet)
                break
            except RpcError:
                continue  # told at once, before anything was signed: the caller starts again
        asked += 1
        wrong += paid(shared) != [VALUE] * 5
        rewind(shared, snapshot)
    assert asked >= 15
    assert wrong == 0


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_reorganisations_at_every_stage_are_survived(shared, tmp_path, depth):
    wallet = DevWallet()
    for turn in range(DEPTH):
        snapshot = shared.snapshot()
        shared.skip(8)
        shaken = []

        def trouble(now, turn=turn, shaken=shaken):
            if now == turn:
                # What is final is not undone: no deeper than the finality this executor was told.
                shared.reorganise(min(depth, DEPTH))
                shaken.append(now)

        states = programme(shared, tmp_path / f"{turn}", Fuse(), wallet, trouble)
        assert shaken
        assert states == ["done"] * 5
        assert paid(shared) == [VALUE] * 5
        rewind(shared, snapshot)


@pytest.mark.parametrize("depth", [16, pytest.param(64, marks=pytest.mark.long)])
def test_deep_reorganisations_are_survived_where_finality_is_deeper(shared, tmp_path, depth):
    snapshot, shaken = shared.snapshot(), []
    shared.skip(80)

    def trouble(turn):
        if turn == depth // 2:
            shared.reorganise(depth)
            shaken.append(turn)

    whole = programme(shared, tmp_path / "j", Fuse(), DevWallet(), trouble, depth=depth + 4)
    assert shaken
    assert whole == ["done"] * 5
    assert paid(shared) == [VALUE] * 5
    rewind(shared, snapshot)


def test_a_reorganisation_and_a_kill_together(shared, tmp_path):
    wallet = DevWallet()
    for at in range(10, 60, 7):
        snapshot, path = shared.snapshot(), tmp_path / f"{at}"
        shared.skip(8)
        with pytest.raises(Killed):
            programme(shared, path, Fuse(at), wallet)
        shared.reorganise(DEPTH)
        assert programme(shared, path, Fuse(), wallet) == ["done"] * 5
        assert paid(shared) == [VALUE] * 5
        rewind(shared, snapshot)


# --- the drill itself can fail: executors with one rule broken, and the same questions asked --------------------------


class SendsFirst(Executor):
    """Writes down after sending (against EX2)."""

    def _sign_first(self, intent_id, call, max_fee_wei):
        journal, held = self._journal, []
        self._journal = Fused(journal, Fuse())
        self._journal.open_row = held.append
        try:
            row = super()._sign_first(intent_id, call, max_fee_wei)
        finally:
            self._journal = journal
        self._broadcast(row)
        self._journal.open_row(held[0])
        return row


class Forgets(Executor):
    """Never sends again what the chain has lost (against EX3 and EX4)."""

    def _resolve(self, row):
        broadcast, self._broadcast = self._broadcast, lambda _row: None
        try:
            return super()._resolve(row)
        finally:
            self._broadcast = broadcast


def outcomes(shared, tmp_path, kind, at, after):
    wallet, snapshot, path = DevWallet(), shared.snapshot(), tmp_path / f"{kind.__name__}{at}{after}"
    try:
        with pytest.raises(Killed):
            programme(shared, path, Fuse(at, after=after), wallet, kind=kind)
        try:
            programme(shared, path, Fuse(), wallet, kind=kind)
        except (AssertionError, ExecutionHalted):
            return "stuck"
        return "right" if paid(shared) == [VALUE] * 5 else "wrong"
    finally:
        rewind(shared, snapshot)


@pytest.mark.parametrize("kind", [SendsFirst, Forgets])
def test_with_a_rule_broken_the_drill_finds_it(shared, tmp_path, kind):
    whole, snapshot = Fuse(), shared.snapshot()
    programme(shared, tmp_path / "whole", whole, DevWallet(), kind=kind)
    rewind(shared, snapshot)
    at = whole.names.index("send_raw")
    found = {outcomes(shared, tmp_path, kind, at, after) for after in (False, True)}
    assert found != {"right"}
    assert {outcomes(shared, tmp_path, Executor, at, after) for after in (False, True)} == {"right"}


def test_mined_taken_for_done_loses_payments_to_a_reorganisation(shared, tmp_path):
    lost = {}
    for depth in (0, DEPTH):
        snapshot = shared.snapshot()
        shared.skip(8)
        states = programme(
            shared,
            tmp_path / str(depth),
            Fuse(),
            DevWallet(),
            lambda n, depth=depth: n == 0 and depth and shared.reorganise(2),
            depth=depth,
        )
        if not depth:
            shared.reorganise(2)
            mine_more = programme(shared, tmp_path / "0", Fuse(), DevWallet(), depth=0)
            assert mine_more == states == ["done"] * 5
        lost[depth] = sum(p != VALUE for p in paid(shared))
        rewind(shared, snapshot)
    assert lost[0] > 0 == lost[DEPTH]


def naive(anvil, done, fuse, wallet):
    """Read the nonce, send, then write down: what people write first."""
    rpc = Fused(anvil.rpc, fuse)
    for i, payee in enumerate(PAYEES):
        if i in done:
            continue
        nonce = rpc.nonce(wallet.address)
        raw, _ = wallet.sign(Unsigned(31337, nonce, payee, VALUE, b"", 21_000, 3 * 10**9, 1))
        rpc.send_raw(raw)
        anvil.rpc.request("evm_mine")
        fuse.through("record", lambda i=i: done.add(i))


def test_the_naive_sender_pays_twice_at_some_of_the_same_points(shared):
    wallet, whole = DevWallet(), Fuse()
    snapshot = shared.snapshot()
    naive(shared, set(), whole, wallet)
    rewind(shared, snapshot)
    doubled = 0
    for at in range(whole.count):
        for after in (False, True):
            snapshot, done = shared.snapshot(), set()
            with pytest.raises(Killed):
                naive(shared, done, Fuse(at, after=after), wallet)
            shared.rpc.request("evm_mine")
            naive(shared, done, Fuse(), wallet)
            doubled += any(p > VALUE for p in paid(shared))
            rewind(shared, snapshot)
    print(f"naive: paid twice at {doubled} of {2 * whole.count} crash points")
    assert doubled >= 10
