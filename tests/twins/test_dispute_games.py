"""Withdrawals against dispute games: the rule in ``networks.op_games`` and the real contracts, reason by reason, to the second.

Exercised: OptimismPortal2, DisputeGameFactory, FaultDisputeGame, AnchorStateRegistry and DelayedWETH of contracts-bedrock
0.17.3 behind proxies, with storage proofs by ``eth_getProof``; games nobody disputes, games whose root is attacked and not
defended, proving again, blacklisting, another respected kind. Not exercised: the steps of a game inside its virtual machine.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from harness import actor
from tidemill.chain import artefacts

if not artefacts.available("OptimismPortal2", "FaultDisputeGame", "L2ToL1MessagePasser", "OptimismProxy", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)
if not any(row.cached for row in artefacts.ls() if "anvil" in row.package):
    pytest.skip("anvil is not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.types import Call
from tidemill.interfaces import Intent
from tidemill.networks import op_games
from tidemill.networks.op_games import Game, GamePortal, Proof, finalize_refusal, proof_refusal, ready_to_finalize
from tidemill.venues.canonical_bridge.local_games import GameClient, GamesBridge, GameTerms

pytestmark = pytest.mark.chain

TERMS = GameTerms(clock=500, finality=300, maturity=1_000)
REAL = GameTerms()


@dataclass
class Withdrawn:
    position: str
    block: int
    proof: Proof | None = None
    paid: bool = False


@dataclass
class Played:
    """A game as the rule sees it, and where it is on the chain."""

    game: Game
    address: str
    number: int
    attacked: int = 0


@dataclass
class Life:
    """Both twins; every transaction has a block and a second of its own unless told otherwise."""

    l1: Anvil
    l2: Anvil
    terms: GameTerms
    games: list[Played] = field(default_factory=list)
    sent: list[Withdrawn] = field(default_factory=list)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.boss, self.me = actor("boss"), actor("me")
        for chain in (self.l1, self.l2):
            for who in (self.boss, self.me):
                chain.set_balance(who, 10**24)
        self.bridge = GamesBridge(self.l1, self.l2, self.boss, games=self.terms)
        self.client = GameClient(self.l1.rpc, self.l2.rpc, self.bridge.sites, venue="exit", account=self.me)
        self.client.factory = self.bridge.factory
        self.portal = GamePortal(self.terms.maturity, self.terms.finality)
        mint = Abi(artefact("TestToken").abi).encode("mint", self.me, 10**12)
        self.l1.mine([(self.boss, Call(self.bridge.sites.l1_token, mint))])
        calls = self.client.plan(Intent("exit", "deposit", {"amount": 10**12}))
        receipts = self.l1.mine([(self.me, call) for call in calls])[1]
        assert all(done.status for done in self.bridge.derive(receipts[-1]))

    @property
    def now(self) -> int:
        return self.l1.rpc.block().timestamp

    def send(self) -> Withdrawn:
        (call,) = self.client.plan(Intent("exit", "send", {"amount": 10**6}))
        (receipt,) = self.l2.mine([(self.me, call)])[1]
        self.sent.append(Withdrawn(f"exit#{len(self.sent) + 1}", receipt.block_number))
        self.client.learn(self.sent[-1].position, receipt)
        return self.sent[-1]

    def propose(self, time: int | None = None) -> Played:
        self.l2.skip(1)
        number = self.l2.rpc.block().number
        _, (receipt,) = self.l1.mine([(self.boss, self.bridge.open_game(number, number))], time_s=time)
        assert receipt.status, receipt.revert_reason
        address = self.bridge.game(self.bridge.games_so_far() - 1)
        self.games.append(Played(Game(self.now), address, number))
        assert self.bridge.told(address, "createdAt") == self.now
        return self.games[-1]

    def attack(self, played: Played) -> None:
        _, (receipt,) = self.l1.mine([(self.boss, self.bridge.attack(played.address, b"\3" * 32))])
        assert receipt.status, receipt.revert_reason
        played.attacked = self.now

    def resolve(self, played: Played, time: int | None = None) -> bool:
        """Try to resolve; both must agree whether that is possible."""
        calls = self.bridge.resolve(played.address, attacked=bool(played.attacked))
        _, receipts = self.l1.mine([(self.boss, call) for call in calls], time_s=time)
        moved = max(played.game.created, played.attacked)
        may = played.game.defended is None and self.now >= op_games.resolvable(moved, self.terms.clock)
        assert receipts[-1].status == may, (played, self.now)
        if may:
            played.game.resolved, played.game.defended = self.now, not played.attacked
            assert self.bridge.told(played.address, "resolvedAt") == self.now
            assert self.bridge.told(played.address, "status") == (1 if played.attacked else 2)
        return may

    def prove(self, one: Withdrawn, played: Played, time: int | None = None) -> str:
        self.client.against = self.games.index(played)
        (call,) = self.client.plan(Intent("exit", "prove", {"position": one.position}))
        _, (receipt,) = self.l1.mine([(self.me, call)], time_s=time)
        expected = proof_refusal(self.portal, played.game)
        self.same("prove", expected, receipt.status, receipt.revert_reason)
        if not expected:
            one.proof = Proof(played.game, self.now)
        assert self.client.stage_of(one.position) == (
            3 if one.paid else 2 if one.proof else 1,
            one.proof.time if one.proof else 0,
        )
        return expected

    def finalize(self, one: Withdrawn, time: int | None = None) -> str:
        (call,) = self.client.plan(Intent("exit", "finalize", {"position": one.position}))
        _, (receipt,) = self.l1.mine([(self.me, call)], time_s=time)
        expected = finalize_refusal(self.portal, one.proof, self.now, paid=one.paid)
        self.same("finalize", expected, receipt.status, receipt.revert_reason)
        one.paid = one.paid or not expected
        return expected

    def same(self, verb: str, expected: str, status: bool, reason: str | None) -> None:
        said = "" if status else reason
        assert said == expected, f"{verb} at {self.now}: rule {expected!r}, contracts {said!r}"
        self.told[verb, expected] += 1

    def guard(self, name: str, value: str | int) -> None:
        _, (receipt,) = self.l1.mine([(self.boss, self.bridge.guardian(name, value))])
        assert receipt.status, receipt.revert_reason


@contextmanager
def life(terms: GameTerms = TERMS) -> Iterator[Life]:
    with Anvil(AnvilOptions(seconds_per_block=1)) as l1, Anvil(AnvilOptions(chain_id=10)) as l2:
        yield Life(l1, l2, terms)


@pytest.mark.parametrize("terms", [TERMS, REAL], ids=["short", "as on OP Mainnet"])
def test_the_first_second_of_each_step(terms: GameTerms) -> None:
    with life(terms) as one:
        out, game = one.send(), one.propose()
        created = game.game.created
        assert one.prove(out, game, created + 10) == ""
        assert not one.resolve(game, created + terms.clock - 1)
        assert one.resolve(game, created + terms.clock)
        ready = ready_to_finalize(created + 10, created, terms.maturity, terms.clock, terms.finality)
        assert ready == created + 10 + terms.maturity + 1
        assert one.finalize(out, ready - 1) == op_games.IMMATURE  # at the delay itself
        assert one.finalize(out, ready) == ""
        assert one.finalize(out) == op_games.PAID


def test_the_air_gap_is_strict_too_and_counts_from_the_resolution() -> None:
    with life() as one:
        out, game = one.send(), one.propose()
        one.prove(out, game)
        late = game.game.created + 2_000  # nobody resolved it when its clock had run out
        assert one.finalize(out, late - 1) == op_games.UNRESOLVED
        assert one.resolve(game, late)
        assert one.finalize(out, late + TERMS.finality) == op_games.AIR_GAP
        assert one.finalize(out, late + TERMS.finality + 1) == ""


def test_proving_again_starts_the_maturity_anew_and_names_another_game() -> None:
    with life() as one:
        out, first = one.send(), one.propose()
        one.prove(out, first)
        second = one.propose()
        one.resolve(first, first.game.created + TERMS.clock)
        again = first.game.created + 900
        assert one.prove(out, first, again) == ""
        assert one.finalize(out, again + TERMS.maturity) == op_games.IMMATURE
        assert one.prove(out, second) == ""  # in the second before it would have been paid
        assert one.finalize(out, again + TERMS.maturity + 2) == op_games.IMMATURE
        assert out.proof is not None
        over = out.proof.time + TERMS.maturity + 1
        assert one.finalize(out, over) == op_games.UNRESOLVED
        one.resolve(second)
        assert one.finalize(out, second.game.resolved + TERMS.finality + 1) == ""


def test_a_proof_in_the_second_of_its_game_never_counts() -> None:
    with life() as one:
        out, game = one.send(), one.propose()
        assert one.prove(out, game, game.game.created) == ""
        one.resolve(game, game.game.created + TERMS.clock)
        assert one.finalize(out, game.game.created + 5_000) == op_games.TOO_OLD
        assert one.prove(out, game) == ""
        assert out.proof is not None
        assert one.finalize(out, out.proof.time + TERMS.maturity + 1) == ""


def test_a_lost_a_blacklisted_and_a_retired_game_pay_nobody() -> None:
    with life() as one:
        out, lost, struck, old = one.send(), one.propose(), one.propose(), one.propose()
        one.prove(out, lost)
        one.attack(lost)
        assert not one.resolve(lost, lost.game.created + TERMS.clock)  # the challenger's clock began with the attack
        assert one.resolve(lost, lost.attacked + TERMS.clock)
        assert one.finalize(out, lost.attacked + 5_000) == op_games.UNRESOLVED
        assert one.prove(out, lost) == op_games.LOST
        one.prove(out, struck)
        one.resolve(struck)
        one.guard("blacklistDisputeGame", struck.address)
        struck.game.blacklisted = True
        assert one.finalize(out, one.now + 5_000) == op_games.BLACKLISTED
        assert one.prove(out, struck) == ""  # it can be proven against all the same
        one.prove(out, old)
        one.resolve(old)
        for kind in (1, 0):
            one.guard("setRespectedGameType", kind)
            one.portal.respected, one.portal.since = kind, one.now
            said = one.finalize(out, one.now + 5_000)
            assert said == (op_games.WRONG_KIND if kind else op_games.RETIRED)
        one.guard("setRespectedGameType", 0)
        one.portal.since = one.now
        fresh = one.propose(one.now)  # in the very second still counts
        one.prove(out, fresh)
        one.resolve(fresh, fresh.game.created + TERMS.clock)
        assert one.finalize(out, fresh.game.created + 5_000) == ""


DOES = ("send", "propose", "attack", "resolve", "resolve", "prove", "finalize", "finalize", "finalize", "guard")


def random_life(seed: str, steps: int) -> Counter[tuple[str, str]]:
    rng = random.Random(seed)
    with life() as one:
        for _ in range(steps):
            random_step(one, rng, rng.choice(DOES))
        return one.told


def random_step(one: Life, rng: random.Random, do: str) -> None:
    """Do something that may be refused, often in the last second of a wait or in the first after it."""
    if do == "send":
        one.send()
    elif do == "propose" or not one.games:
        one.propose()
    elif do == "attack":
        young = [
            g for g in one.games if g.game.defended is None and not g.attacked and one.now + 2 < g.game.created + 500
        ]
        if young and rng.random() < 0.3:
            one.attack(rng.choice(young))
    elif do == "resolve":
        game = rng.choice(one.games[-6:])
        over = max(game.game.created, game.attacked) + TERMS.clock - rng.choice((0, 0, 1))
        one.resolve(game, over if over > one.now else None)
    elif do == "prove":
        open_ = [w for w in one.sent[-6:] if w.proof is None or rng.random() < 0.2]
        pairs = [(w, g) for w in open_ for g in one.games[-6:] if g.number >= w.block]
        if pairs:
            one.prove(*rng.choice(pairs))
    elif do == "finalize" and one.sent:
        out = rng.choice(one.sent[-6:])
        waits = [] if out.proof is None else [out.proof.time + TERMS.maturity, out.proof.game.resolved + TERMS.finality]
        ready = max(waits, default=0) + rng.choice((0, 1, 1))
        one.finalize(out, ready if ready > one.now else None)
    elif do == "guard" and rng.random() < 0.2:
        game = rng.choice(one.games[-6:])
        one.guard("blacklistDisputeGame", game.address)
        game.game.blacklisted = True
    elif do == "guard" and rng.random() < 0.1:
        for kind in (1, 0):  # nobody can open a game of another kind here: back at once, in the next second
            one.guard("setRespectedGameType", kind)
            one.portal.respected, one.portal.since = kind, one.now


def test_rule_and_contracts_agree_on_a_random_life() -> None:
    told = random_life("games", 300)
    print(told)
    assert told["finalize", ""] >= 5 and told["prove", ""] >= 20
    for reason in (op_games.UNPROVEN, op_games.IMMATURE, op_games.UNRESOLVED, op_games.AIR_GAP, op_games.PAID):
        assert told["finalize", reason] > 0, told


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_rule_and_contracts_agree_at_length(seed: int) -> None:
    assert random_life(f"games {seed}", 900)["finalize", ""] >= 5
