"""A distributor twice: model and our contract of the public rule under the same actions by several actors.

Trees of one leaf up to some dozens, two rewards, roots that are disputed, dropped and delayed, amounts that are corrected
downwards, tills that run short.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any

from eth_hash.auto import keccak

from harness import Driver, actor, assert_same, both
from harness.actors import endow
from harness.book import Book, ModelSide, counted, numbers
from harness.contract import deploy
from harness.evm import Evm
from tidemill.interfaces import Action, Result
from tidemill.venues.merkle_campaign.merkle import Tree
from tidemill.venues.merkle_campaign.model import CampaignModel
from tidemill.venues.merkle_campaign.state import CampaignState, Earned

SETUPS = [((18, 6, 8), 1), ((2, 24, 18), 2), ((18, 18, 6), 3)]
"""Decimals of the two rewards and of the bond, seed."""

DELAY, BOND = 3_600, 1_000
NOBODY = "0x" + "00" * 20
REWARDS, BOND_TOKEN = ("R@test", "S@test"), "BOND@test"
MOVED = "0x" + keccak(b"Transfer(address,address,uint256)").hex()


class Twins:
    """Model and bytecode of one distributor, with the same actors."""

    def __init__(self, decimals: tuple[int, int, int], seed: int | str, *, delay: int = DELAY) -> None:
        self.evm = evm = Evm()
        self.owner = actor("campaign owner")
        names = (*REWARDS, BOND_TOKEN)
        self.tokens = {
            token: deploy(evm, self.owner, "TestToken", token, token[0], places)
            for token, places in zip(names, decimals, strict=True)
        }
        self.real = deploy(
            evm, self.owner, "CumulativeDistributor", self.owner, delay, self.tokens[BOND_TOKEN].address, BOND
        )
        self.at = self.real.address
        self.actors = [actor(name) for name in ("alice", "bob", "carol")]
        self.people = [*self.actors, self.owner]
        book = Book()
        for who in self.people:
            endow(tuple(self.tokens.values()), who, 1 << 100, (self.at,))
            for token in names:
                book.add(token, who, 1 << 100)
        self.poor = actor("poor")
        self.tokens[BOND_TOKEN].send(self.poor, "approve", self.at, 1 << 255)
        params = {
            "account": self.at, "owner": self.owner, "own": REWARDS[0], "delay": delay, "bond_token": BOND_TOKEN,
            "bond": BOND, "tokens": {token: contract.address for token, contract in self.tokens.items()},
        }  # fmt: skip
        state: CampaignState = CampaignModel().init(params)
        self.model = ModelSide(CampaignModel(), state, book, lambda: self.evm.block)
        self.total: dict[tuple[str, str], int] = {}
        self.driver = Driver(
            seed,
            {
                "submit": (17, self._submit),
                "dispute": (13, self._dispute),
                "resolve": (13, self._resolve),
                "claim": (27, self._claim),
                "fund": (10, self._fund),
                "recover": (9, self._recover),
            },
        )

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, verb: str, who: str, real: Callable[[], Any], **args: Any) -> Result:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        slots = self._slots(args)
        before = [self.evm.storage(*place) for place in slots]
        got, made = both(real, lambda: self.model.do(who, Action(verb, args)))
        assert isinstance(made, Result)
        want = counted((was, self.evm.storage(*place)) for was, place in zip(before, slots, strict=True))
        moved = [address for address, topics, _ in self.evm.logs if topics[0] == MOVED]
        want["transfers"] = len(moved)
        found = {name: times for name, times in made.features.items() if name != "proof_words"}
        assert_same(want, dict.fromkeys(want, 0) | found, "what moves gas")
        real_events = [(name, numbers(event)) for name, event in self.real.events()]
        assert_same(real_events, [(event.name, numbers(event.args)) for event in made.events], "events")
        if got is not None and verb == "claim":
            assert_same(got, made.amounts["reward"], "reward")
        return made

    def _slots(self, args: dict[str, Any]) -> list[tuple[str, int]]:
        """Every word of the distributor that is not a mapping's, who was paid, and every balance."""
        out = [(self.at, slot) for slot in range(4)]
        named = (str(args[name]) for name in ("account", "to") if name in args)
        everybody = dict.fromkeys((*self.people, self.poor, self.at, *named))
        for contract in self.tokens.values():
            out += [(self.at, _entry(_entry(4, who), contract.address)) for who in everybody]
            out += [(contract.address, _entry(0, who)) for who in everybody]
        return out

    # -- acts ----------------------------------------------------------------------------------------------------------

    def publish(self, entries: dict[tuple[str, str], int]) -> int:
        """Publish a tree; returns the epoch's number."""
        self.model.state.epochs.append(Earned(entries))
        return len(self.model.state.epochs) - 1

    def submit(self, who: str, epoch: int) -> None:
        """Submit an epoch's root."""
        root = self.model.state.tree(epoch).root
        self.do("submit", who, lambda: self.real.send(who, "submit", root.to_bytes(32, "big")), epoch=epoch)

    def submit_root(self, who: str, root: int) -> None:
        """Submit any root."""
        call = lambda: self.real.send(who, "submit", root.to_bytes(32, "big"))  # noqa: E731
        self.do("submit", who, call, root=f"0x{root:064x}")

    def dispute(self, who: str) -> None:
        """Dispute the pending root."""
        self.do("dispute", who, lambda: self.real.send(who, "dispute"))

    def resolve(self, who: str, *, valid: bool) -> None:
        """Resolve the dispute."""
        self.do("resolve", who, lambda: self.real.send(who, "resolve", valid), valid=valid)

    def claim(self, who: str, account: str, token: str, cumulative: int | None = None,
              proof: list[int] | None = None) -> Result:  # fmt: skip
        """Claim, by what is published where nothing else is said."""
        state = self.model.state
        epoch, earned = state.published(state.root(self.evm.block.time))
        args: dict[str, Any] = {} if account == who else {"account": account}
        args |= {} if token == state.own else {"token": token}
        shown, path = earned.get((account, token), 0), []
        if cumulative is not None:
            args["cumulative"] = shown = cumulative
        if proof is not None:
            args["proof"], path = "0x" + "".join(f"{word:064x}" for word in proof), proof
        elif earned.get((account, token)) == shown and (account, token) in earned:
            path = state.tree(epoch).proof(state.leaf(account, token, shown))
        contract, words = self.tokens[token].address, [word.to_bytes(32, "big") for word in path]
        made = self.do("claim", who, lambda: self.real.send(who, "claim", account, contract, shown, words), **args)
        assert made.features["proof_words"] == len(path)
        return made

    def fund(self, who: str, token: str, amount: int) -> None:
        """Bring tokens."""
        args = {} if token == REWARDS[0] else {"token": token}
        self.do("fund", who, lambda: self.tokens[token].send(who, "transfer", self.at, amount), amount=amount, **args)

    def recover(self, who: str, token: str, to: str, amount: int) -> None:
        """Take tokens out."""
        args = ({} if token == REWARDS[0] else {"token": token}) | ({} if to == who else {"to": to})
        call = lambda: self.real.send(who, "recover", self.tokens[token].address, to, amount)  # noqa: E731
        self.do("recover", who, call, amount=amount, **args)

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(self.actors)

    def boss(self, r: random.Random) -> str:
        """Mostly the owner."""
        return self.who(r) if r.random() < 0.05 else self.owner

    def _pass_time(self, r: random.Random) -> None:
        if r.random() < 0.5:
            self.evm.advance(seconds=r.choice((1, 60, DELAY // 2, DELAY)))

    def mature(self, r: random.Random) -> None:
        """Let the pending root come into force, mostly."""
        left = self.model.state.active_at - self.evm.block.time
        if left > 0 and r.random() < 0.9:
            self.evm.advance(seconds=left + r.choice((0, 0, 1, 60)))

    def epoch(self, r: random.Random) -> int:
        """Publish what has been earned by now, by the actors and by some strangers; now and then a correction."""
        accounts = [who for who in self.actors if r.random() < 0.9]
        accounts += [actor(f"stranger {i}") for i in range(r.choice((0, 0, 1, 2, 3, 7, 20)))]
        for account in accounts:
            for token in REWARDS:
                if r.random() < 0.7:
                    earned = self.total.get((account, token), 0)
                    more = r.randrange(1 << r.randrange(1, 60)) if r.random() < 0.95 else -(earned // 3)
                    self.total[account, token] = earned + more
        return self.publish({entry: amount for entry, amount in self.total.items() if r.random() < 0.97})

    def _settle(self, r: random.Random) -> None:
        """Let a dispute end, mostly."""
        if self.model.state.disputer and r.random() < 0.9:
            self._have_bond()
            self.resolve(self.owner, valid=r.random() < 0.5)

    def _have_bond(self) -> None:
        """Bring the bond back if the owner took it out."""
        if self.model.book.held.get((BOND_TOKEN, self.at), 0) < BOND:
            self.fund(self.owner, BOND_TOKEN, BOND)

    def _submit(self, r: random.Random) -> None:
        self._pass_time(r)
        self._settle(r)
        self.mature(r)
        if r.random() < 0.04:
            self.submit_root(self.boss(r), r.choice((0, r.getrandbits(256))))
        else:
            self.submit(self.boss(r), self.epoch(r))

    def _dispute(self, r: random.Random) -> None:
        state = self.model.state
        if r.random() < 0.9:
            self._settle(r)
        if self.evm.block.time >= state.active_at and not state.disputer and r.random() < 0.9:
            self.submit(self.owner, self.epoch(r))
        who = self.poor if r.random() < 0.04 else self.who(r)
        left = state.active_at - self.evm.block.time
        if left > 1 and r.random() < 0.3:
            self.evm.advance(seconds=left - r.choice((0, 1)))
        self.dispute(who)

    def _resolve(self, r: random.Random) -> None:
        state = self.model.state
        if not state.disputer and r.random() < 0.92:
            self.mature(r)
            if self.evm.block.time >= state.active_at:
                self.submit(self.owner, self.epoch(r))
            self.dispute(self.who(r))
        self._pass_time(r)
        if r.random() < 0.05:
            held = self.model.book.held.get((BOND_TOKEN, self.at), 0)
            self.recover(self.owner, BOND_TOKEN, self.owner, held)
        else:
            self._have_bond()
        self.resolve(self.boss(r), valid=r.random() < 0.5)

    def _claim(self, r: random.Random) -> None:
        self._pass_time(r)
        self._settle(r)
        state = self.model.state
        _, earned = state.published(state.root(self.evm.block.time))
        due = [e for e, amount in earned.items() if amount > state.paid.get(e, 0) and e[0] in self.actors]
        if not due and r.random() < 0.9:
            self.mature(r)
            if self.evm.block.time >= state.active_at and not state.disputer:
                self.submit(self.owner, self.epoch(r))
            self.mature(r)
            _, earned = state.published(state.root(self.evm.block.time))
            due = [e for e, amount in earned.items() if amount > state.paid.get(e, 0) and e[0] in self.actors]
        account, token = r.choice(due) if due and r.random() < 0.93 else (self.who(r), r.choice(REWARDS))
        who = account if r.random() < 0.7 else self.who(r)
        pick, shown = r.random(), earned.get((account, token), 0)
        lacking = shown - state.paid.get((account, token), 0) - self.model.book.held.get((token, self.at), 0)
        if lacking > 0 and r.random() < 0.85:
            self.fund(self.owner, token, lacking + r.randrange(1 << 20))
        if pick < 0.04:
            self.claim(who, account, token, shown + r.choice((-1, 1)) if shown else 1)
        elif pick < 0.07:
            self.claim(who, account, token, proof=[r.getrandbits(256) for _ in range(r.randrange(3))])
        else:
            self.claim(who, account, token)

    def _fund(self, r: random.Random) -> None:
        token, who = r.choice(REWARDS), self.who(r)
        amount = r.randrange(1 << r.randrange(1, 62)) if r.random() < 0.93 else self.model.book.held[token, who] + 1
        self.fund(who, token, amount)

    def _recover(self, r: random.Random) -> None:
        token, who = r.choice((*REWARDS, BOND_TOKEN)), self.boss(r)
        held = self.model.book.held.get((token, self.at), 0)
        amount = r.randrange(held + 1) if r.random() < 0.9 else held + r.choice((0, 1))
        if token == BOND_TOKEN and r.random() < 0.5:
            amount = 0
        self.recover(who, token, who if r.random() < 0.7 else self.who(r), amount)

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Every word of the distributor, every payment and balance, and what each actor could claim now."""
        state, storage = self.model.state, self.evm.storage
        read, now = self.model.read, self.evm.block.time
        real: dict[Any, Any] = {"words": [storage(self.at, slot) for slot in range(4)]}
        words = (read("lastRoot"), read("nextRoot"), read("activeAt"), int(read("disputer") or "0", 16))
        model: dict[Any, Any] = {"words": list(words)}
        real["root"] = int.from_bytes(self.real.view("root"), "big")
        model["root"] = read("root", now)
        for token, contract in self.tokens.items():
            for who in (*self.people, self.poor, self.at):
                real[who, token] = storage(self.at, _entry(_entry(4, who), contract.address))
                model[who, token] = read("claimed", who, token)
                real[token, who] = storage(contract.address, _entry(0, who))
                model[token, who] = self.model.book.held.get((token, who), 0)
        assert_same(real, model)
        _, earned = state.published(real["root"])
        for who in self.actors:
            found = self.model.model.positions(state, "campaign", who, now, lambda *_: 0)
            due = {token: max(earned.get((who, token), 0) - real[who, token], 0) for token in REWARDS}
            share = sum(account == who for one in state.epochs for account, _ in one)
            want = [("campaign#claims", "campaign", {"share": share}, {t: n for t, n in due.items() if n})]
            got = [(p.id, p.kind, dict(p.data), dict(p.claimable)) for p in found]
            assert_same(want if share else [], got, "positions")


def tree_of(twins: Twins, epoch: int) -> Tree:
    """The tree of an epoch."""
    return twins.model.state.tree(epoch)


@cache
def _entry(slot: int, address: str) -> int:
    """Where Vyper keeps an entry of a mapping."""
    return int.from_bytes(keccak(slot.to_bytes(32, "big") + bytes(12) + bytes.fromhex(address[2:])), "big")
