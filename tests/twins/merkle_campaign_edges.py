"""Places of a distributor that random lives hardly ever reach: the second a root comes into force, odd trees, false proofs."""

from __future__ import annotations

from harness import actor, assert_same
from harness.driver import refused
from tidemill.venues.merkle_campaign.merkle import Tree, root_by_proof
from tidemill.venues.merkle_campaign.rules import shared_down
from tidemill.venues.merkle_campaign.state import address_of
from twins.merkle_campaign_twin import BOND, BOND_TOKEN, DELAY, REWARDS, SETUPS, Twins

R, S = REWARDS


def fresh(*epochs: dict[tuple[str, str], int], delay: int = DELAY) -> tuple[Twins, list[str]]:
    """Twins with a full till, on which these epochs were submitted and have come into force, one after the other."""
    twins = Twins(SETUPS[0][0], "edges", delay=delay)
    for token in REWARDS:
        twins.fund(twins.owner, token, 10**12)
    for entries in epochs:
        twins.submit(twins.owner, twins.publish(entries))
        twins.evm.advance(seconds=delay)
    return twins, twins.actors


def only_the_difference_is_paid() -> None:
    """Epochs that were missed are paid with the next; what was paid is never paid again, whatever the root."""
    twins, (alice, bob, carol) = fresh({})
    for epoch, (earned, paid) in enumerate(((100, 100), (100, 0), (250, 150), (240, 0), (251, 1))):
        twins.submit(twins.owner, twins.publish({(alice, R): earned, (bob, R): 7, (bob, S): epoch}))
        twins.evm.advance(seconds=DELAY)
        if paid:
            assert twins.claim(carol, alice, R).amounts == {"reward": paid}
        else:
            refused("nothing to claim", twins, twins.claim, alice, alice, R)
        twins.compare()
    assert twins.claim(bob, bob, R).amounts == {"reward": 7}
    assert twins.claim(bob, bob, S).amounts == {"reward": 4}
    twins.compare()
    assert twins.model.read("claimed", alice, R) == 251


def a_root_comes_into_force_in_its_second() -> None:
    """One second earlier the old one counts and a new one is refused; without a delay it counts at once."""
    twins, (alice, *_) = fresh({("0x" + "11" * 20, R): 1})
    twins.submit(twins.owner, twins.publish({(alice, R): 5}))
    refused("proof", twins, twins.claim, alice, alice, R)
    twins.evm.advance(seconds=DELAY - 1)
    refused("proof", twins, twins.claim, alice, alice, R)
    refused("a root is pending", twins, twins.submit_root, twins.owner, 1)
    twins.evm.advance(seconds=1)
    twins.compare()
    twins.claim(alice, alice, R)
    refused("nothing to dispute", twins, twins.dispute, alice)
    twins.submit_root(twins.owner, 1)
    twins.compare()
    twins, (alice, *_) = fresh(delay=0)
    twins.submit(twins.owner, twins.publish({(alice, R): 5}))
    twins.claim(alice, alice, R)
    refused("nothing to dispute", twins, twins.dispute, alice)


def a_dispute_that_is_right() -> None:
    """The pending root is gone, the bond is back, and a new one may come at once; the old one went on paying."""
    twins, (alice, bob, _) = fresh()
    first = twins.publish({(alice, R): 5})
    twins.submit(twins.owner, first)
    twins.evm.advance(seconds=DELAY)
    twins.submit(twins.owner, twins.publish({(alice, R): 10**9}))
    twins.evm.advance(seconds=DELAY - 1)
    held = twins.model.book.held[BOND_TOKEN, bob]
    twins.dispute(bob)
    twins.compare()
    assert twins.model.book.held[BOND_TOKEN, bob] == held - BOND
    refused("disputed", twins, twins.dispute, alice)
    twins.evm.advance(seconds=DELAY)
    refused("disputed", twins, twins.submit_root, twins.owner, 1)
    refused("nothing to dispute", twins, twins.dispute, alice)
    assert twins.claim(alice, alice, R).amounts == {"reward": 5}
    refused("not the owner", twins, twins.resolve, bob, valid=True)
    twins.resolve(twins.owner, valid=True)
    twins.compare()
    assert twins.model.book.held[BOND_TOKEN, bob] == held
    assert twins.model.read("nextRoot") == twins.model.read("lastRoot") == twins.model.state.tree(first).root
    refused("no dispute", twins, twins.resolve, twins.owner, valid=True)
    twins.submit_root(twins.owner, 1)
    refused("a root is pending", twins, twins.submit_root, twins.owner, 2)


def a_dispute_that_is_wrong() -> None:
    """The owner keeps the bond, the delay begins anew, and then the root comes into force."""
    twins, (alice, bob, _) = fresh()
    twins.submit(twins.owner, twins.publish({(alice, R): 5}))
    twins.dispute(bob)
    twins.evm.advance(seconds=10 * DELAY)
    refused("proof", twins, twins.claim, alice, alice, R)
    held = twins.model.book.held[BOND_TOKEN, twins.owner]
    twins.resolve(twins.owner, valid=False)
    twins.compare()
    assert twins.model.book.held[BOND_TOKEN, twins.owner] == held + BOND
    twins.evm.advance(seconds=DELAY - 1)
    refused("proof", twins, twins.claim, alice, alice, R)
    twins.dispute(alice)
    twins.resolve(twins.owner, valid=False)
    twins.evm.advance(seconds=DELAY)
    twins.claim(alice, alice, R)
    twins.compare()


def trees_of_every_size() -> None:
    """One leaf (no proof at all) to nine: every entry proves, with the siblings it needs; an odd one moves up."""
    depths = []
    for size in range(1, 10):
        entries = {(actor(f"one of {i}"), REWARDS[i % 2]): 10 + i for i in range(size)}
        twins, (alice, *_) = fresh(entries)
        tree = twins.model.state.tree(0)
        for (account, token), amount in entries.items():
            made = twins.claim(alice, account, token)
            assert made.amounts == {"reward": amount}
            depths.append((size, made.features["proof_words"]))
        twins.compare()
        assert len(tree.levels[0]) == size
    assert {depth for size, depth in depths if size == 1} == {0}
    assert {depth for size, depth in depths if size == 8} == {3}
    assert {depth for size, depth in depths if size == 9} == {4, 1}


def proofs_that_prove_nothing() -> None:
    """Of another account, token or amount, in another order, a node as a leaf, no root at all."""
    twins, (alice, bob, carol) = fresh()
    refused("proof", twins, twins.claim, alice, alice, R)
    refused("proof", twins, twins.claim, alice, alice, R, 0, [])
    entries = {(who, token): 1_000 for who in (alice, bob, carol) for token in REWARDS}
    twins.submit(twins.owner, twins.publish(entries))
    twins.evm.advance(seconds=DELAY)
    state = twins.model.state
    tree = state.tree(0)
    (alice, _), path = max(((entry, tree.proof(state.leaf(*entry, 1_000))) for entry in entries if entry[1] == R),
                           key=lambda found: len(found[1]))  # fmt: skip
    bob, carol = (who for who in twins.actors if who != alice)
    assert len(path) == 3
    for account, token, amount, proof in (
        (bob, R, 1_000, path),
        (alice, S, 1_000, path),
        (alice, R, 1_001, path),
        (alice, R, 1_000, path[::-1]),
        (alice, R, 1_000, path[:-1]),
        (alice, R, 1_000, [*path, path[0]]),
        (alice, R, 1_000, []),
        (twins.owner, R, 1_000, None),
    ):
        refused("proof", twins, twins.claim, carol, account, token, amount, proof)
    twins.claim(carol, alice, R, 1_000, path)
    refused("nothing to claim", twins, twins.claim, carol, alice, R, 1_000, path)
    twins.compare()


def an_empty_till() -> None:
    """Who comes last finds nothing; what is owed stays owed, and is paid once somebody brings it."""
    twins, (alice, bob, _) = fresh({(actor("alice"), R): 6 * 10**11, (actor("bob"), R): 6 * 10**11})
    twins.claim(alice, alice, R)
    refused("balance", twins, twins.claim, bob, bob, R)
    refused("not the owner", twins, twins.recover, bob, R, bob, 1)
    refused("balance", twins, twins.recover, twins.owner, R, bob, 4 * 10**11 + 1)
    twins.recover(twins.owner, R, bob, 4 * 10**11)
    twins.compare()
    refused("balance", twins, twins.fund, alice, R, 1 << 101)
    twins.fund(alice, R, 6 * 10**11)
    twins.claim(bob, bob, R)
    twins.compare()
    assert twins.model.book.held[R, twins.at] == 0
    refused("not the owner", twins, twins.submit_root, alice, 5)
    twins.submit_root(twins.owner, 5)
    refused("balance", twins, twins.dispute, twins.poor)
    twins.dispute(alice)
    twins.recover(twins.owner, BOND_TOKEN, twins.owner, 1)
    refused("balance", twins, twins.resolve, twins.owner, valid=True)
    refused("balance", twins, twins.resolve, twins.owner, valid=False)


def shares_are_rounded_down() -> None:
    """What a study's campaign deals out: two thirds of a unit are nothing."""
    assert_same(0, shared_down(2, 1, 3), "a third of two")
    assert_same(6, shared_down(10, 2, 3), "two thirds of ten")


def hashes_by_hand() -> None:
    """The lesser of two goes first whichever it is; a leaf that nobody has is not proven; names have addresses."""
    tree = Tree([5, 3, 9, 3])
    assert tree.levels[0] == [3, 5, 9]
    assert all(root_by_proof(leaf, tree.proof(leaf)) == tree.root for leaf in (3, 5, 9))
    assert root_by_proof(3, [5]) == root_by_proof(5, [3])
    assert Tree(()).root == 0
    assert Tree([7]).root == 7
    try:
        tree.proof(4)
    except ValueError:
        pass
    else:
        raise AssertionError("a proof of nothing")
    named = address_of("me")
    assert len(named) == 42
    assert named != address_of("others")
    assert address_of(named) == named
    twins, _ = fresh({("me", R): 5, ("others", R): 6})
    twins.model.state.people["others"] = twins.actors[0]
    assert twins.model.state.leaf("others", R, 6) == twins.model.state.leaf(twins.actors[0], R, 6)
    assert twins.model.state.leaf("me", R, 6) == twins.model.state.leaf(named, R, 6)
    assert twins.model.state.leaf("me", "X@test", 6) == twins.model.state.leaf("me", address_of("X@test"), 6)


EDGES = [
    only_the_difference_is_paid,
    a_root_comes_into_force_in_its_second,
    a_dispute_that_is_right,
    a_dispute_that_is_wrong,
    trees_of_every_size,
    proofs_that_prove_nothing,
    an_empty_till,
    shares_are_rounded_down,
    hashes_by_hand,
]
