"""Accounts that act on a local chain through the venues' clients, and what they did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

from harness import actor
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Action, Block, Filled, Reverted
from tidemill.venues.shared.client_parts import ERC20, abi, ask
from tidemill.venues.shared.ground import intent_of

ME, ALICE, BOB, OWNER = (actor(name) for name in ("me", "alice", "bob", "owner"))
USERS = (ME, ALICE, BOB)
START = 1_800_000_000
BASE_FEE = 10**7
DAY = 86_400
TOKEN = Abi(artefact("TestToken").abi)
_FOREVER = (1 << 256) - 1


class Done(NamedTuple):
    """What somebody did: all of its transactions were mined in ``block``; ``status`` is what the client makes of them."""

    block: int
    who: str
    venue: str
    verb: str
    args: dict[str, Any]
    receipts: tuple[Receipt, ...]
    status: Any


class Doing(NamedTuple):
    """Something to be done: its calls are encoded against the newest block."""

    who: str
    venue: str
    verb: str
    args: dict[str, Any]
    calls: tuple[Call, ...]


class Acting:
    """Accounts with tokens and allowances, and what they did in ``done``. ``tokens`` are addresses by id.

    ``decimals`` and ``endowed`` (raw units) are by token id; everybody has so much, ``OWNER`` a thousand times as much.
    """

    def __init__(self, anvil: Anvil, seed: str, decimals: dict[str, int], endowed: dict[str, int]) -> None:
        self.anvil, self.rpc, self.rng = anvil, anvil.rpc, Random(seed)
        self.done: list[Done] = []
        self.clients: dict[str, dict[str, Any]] = {}
        self.time = START
        for who in (*USERS, OWNER):
            anvil.set_balance(who, 10**21)
        made = [Deployment(t, "TestToken", (t, t.partition("@")[0], d)) for t, d in decimals.items()]
        self.tokens = {name: address.lower() for name, address in deploy(anvil, OWNER, made).items()}
        self.run(
            [
                (OWNER, Call(self.tokens[t], TOKEN.encode("mint", who, 1000 * n if who == OWNER else n)))
                for t, n in endowed.items()
                for who in (*USERS, OWNER)
            ]
        )

    def of_all(self, venue: str, make: Any) -> None:
        """Give everybody a client of a venue."""
        self.clients[venue] = {who: make(who) for who in (*USERS, OWNER)}

    def allow(self, spenders: dict[str, Iterable[str]]) -> None:
        """Standing allowances to everything, so that most actions are one transaction."""
        codec = abi(ERC20)
        self.run(
            [
                (who, Call(self.tokens[token], codec.encode("approve", spender, _FOREVER)))
                for who in (*USERS, OWNER)
                for spender, tokens in spenders.items()
                for token in tokens
            ]
        )

    # --- blocks -------------------------------------------------------------------------------------------------------

    def run(self, calls: Sequence[tuple[str, Call]]) -> None:
        """Mine what must succeed."""
        _, receipts = self.anvil.mine(calls)
        assert all(receipt.status for receipt in receipts), [receipt.revert_reason for receipt in receipts]

    def doing(self, who: str, venue: str, verb: str, **args: Any) -> Doing:
        """Encode a verb of a venue's client; arguments named ``..._min`` and ``..._max`` are its limits."""
        limits = {name: args.pop(name) for name in list(args) if name.endswith(("_min", "_max"))}
        calls = self.clients[venue][who].plan(intent_of(venue, Action(verb, args, limits)))
        # allowances stand: an action is its own transaction, and nothing is put back
        return Doing(who, venue, verb, args, tuple(call for call in calls if call.purpose == verb))

    def sending(self, who: str, token: str, to: str, amount: int) -> Doing:
        """A plain transfer of any token, of a reserve's own too."""
        address = self.tokens.get(token, token)
        call = Call(address, TOKEN.encode("transfer", to, amount))
        return Doing(who, "", "transfer", {"token": token, "to": to, "amount": amount}, (call,))

    def turn(self, *doings: Doing, seconds: int = 12) -> list[Done]:
        """Mine one block of all of these, in order, so much later than the one before."""
        self.time = max(self.time, self.rpc.block().timestamp) + seconds
        calls = [(doing.who, call) for doing in doings for call in doing.calls]
        block, receipts = self.anvil.mine(calls, time_s=self.time, base_fee=BASE_FEE)
        out, rest = [], iter(receipts)
        for doing in doings:
            mine = tuple(next(rest) for _ in doing.calls)
            failed = next((Reverted(r.revert_reason or "") for r in mine if not r.status), None)
            client = self.clients[doing.venue][doing.who] if doing.venue else None
            status = failed or (client.decode(mine) if client else Filled())
            out.append(Done(block.number, doing.who, doing.venue, doing.verb, doing.args, mine, status))
        self.done += out
        return out

    # --- what is held -------------------------------------------------------------------------------------------------

    def held(self, token: str, who: str = ME, block: int | str = "latest") -> int:
        """Raw units of a token in a wallet."""
        return int(ask(self.rpc, self.tokens.get(token, token), ERC20, "balanceOf", (who,), block)[0])

    def at(self, number: int) -> Block:
        """A block by its number."""
        return Block(time=self.rpc.block(number).timestamp, number=number)
