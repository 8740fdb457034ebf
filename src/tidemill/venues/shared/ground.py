"""The ground that venues of a rehearsal stand on: one local chain with named accounts, test tokens and a clock.

Worlds know accounts by name (``me``, ``others``, ``pool:pool``) and tokens by id (``USDC@op-mainnet``); a chain knows
addresses. The ground keeps both in step, says what everybody was given, and reads who holds what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Protocol

from eth_hash.auto import keccak
from msgspec import Struct

from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, create_address, deploy
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, RpcError
from tidemill.interfaces import Action, Block, Intent, Limits, Stage, Transfer
from tidemill.venues.shared.client_parts import ERC20, abi, ask_many

__all__ = ["PLENTY", "ZERO", "Ground", "LocalVenue", "Others", "Unrest", "intent_of"]

PLENTY = 1 << 200
"""What others are given of every test token: never short, far from overflowing."""

ZERO = "0x" + "00" * 20
_DEPLOYER = "deployer"
_WEALTH = 10**30
_MAKER = 0x7E << 152
_AT_ONCE = 200
"""Transactions per block while the start state is made; a block has gas for 300."""
_TRANSFER = "0x" + keccak(b"Transfer(address,address,uint256)").hex()


class Others(Struct, frozen=True):
    """Something that somebody else does at a venue in a block."""

    block: Block
    actor: str
    action: Action


Unrest = Callable[[Sequence[Others]], Sequence[Others]]
"""Disturbs what others do."""


class LocalVenue(Protocol):
    """A venue with its real contracts on a local chain, and its model in lockstep beside it.

    ``twin`` stands in the same state and plays the same flow: it scouts ahead for wakes and counts what moves gas.
    """

    id: str
    twin: Stage
    client: Any
    tokens: Sequence[str]
    accounts: Sequence[str]

    def start(self, at: Block) -> None:
        """Bring the contracts to the state in which the twin starts, in blocks of that time."""
        ...

    def others(self) -> Sequence[Others]:
        """Return what others do after the start, in order."""
        ...

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode what somebody else does: (sender's address, call), in order; the last one is the action itself."""
        ...

    def unscript(self) -> None:
        """Let the twin play nothing by itself from now on: the chain's blocks decide, told by ``follow``."""
        ...

    def follow(self, item: Others) -> bool:
        """Let the twin do what somebody else has done on the chain; say whether it refused."""
        ...

    def endow(self, token: str, amount: int) -> None:
        """Give ``me`` so much more of a token that is dealt in here, for a question that is taken back."""
        ...

    def question(self, action: Action) -> Intent:
        """Return an action as an intent to ask about: limits that the client insists on and a quote leaves out are wide."""
        ...

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Return what shows first whether model and contracts are in step: (model's, chain's)."""
        ...

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the state of a model's stage with the contracts': (name, model's value, chain's value)."""
        ...


class Ground:
    """A local chain made ready for venues.

    Venues that stand on several networks find the others' grounds in ``beyond``. A ``LocalVenue`` may have two further
    methods: ``arising(to)`` says what happens by itself up to a block and is not known before, and ``landed(receipts)``
    is told what was sent for good.

    Parameters
    ----------
    me : address of one's own account. decimals : by symbol. base_fee : wei per gas of blocks to come.
    """

    def __init__(self, anvil: Anvil, me: str, decimals: Mapping[str, int], *, base_fee: int = 0) -> None:
        self.anvil, self.rpc, self.decimals, self.base_fee = anvil, anvil.rpc, decimals, base_fee
        self.names: dict[str, str] = {ZERO: "zero", me.lower(): "me"}
        self._addresses: dict[str, str] = {"zero": ZERO, "me": me.lower()}
        self.tokens: dict[str, str] = {}
        self.issued: set[str] = set()
        """Tokens that a venue issues: nobody else can make them."""
        self.slots: dict[str, tuple[int, bool]] = {}
        """Where each of these keeps its balances, and whether as Vyper lays them out: as its issuer says."""
        self.endowed: dict[tuple[str, str], int] = {}
        self.venues: dict[str, LocalVenue] = {}
        """What stands here already, for those that stand on it."""
        self.beyond: Mapping[str, Ground] = {}
        """The grounds of a study's other networks, for what stands on several."""
        self.fixtures: dict[str, Any] = {}
        """What venues of one kind share here."""
        self.recipes: dict[str, tuple[Deployment, str]] = {}
        """Tokens that are no test tokens: how each is made, and the address that may make more of it."""
        anvil.set_balance(self._addresses["me"], _WEALTH)

    # --- names --------------------------------------------------------------------------------------------------------

    def address(self, name: str) -> str:
        """Return the address of an account; one that is new is given native tokens and a name."""
        if name not in self._addresses:
            self.name("0x" + keccak(f"tidemill account {name}".encode()).hex()[-40:], name)
            self.anvil.set_balance(self._addresses[name], _WEALTH)
        return self._addresses[name]

    def name(self, address: str, name: str) -> None:
        """Give an address (a contract's) its name in the book."""
        self._addresses[name], self.names[address.lower()] = address.lower(), name

    def at(self, value: Any) -> Any:
        """Return the address that an account's name stands for, anything else as it is."""
        return self._addresses.get(value, value) if isinstance(value, str) else value

    # --- tokens -------------------------------------------------------------------------------------------------------

    def token(self, token: str) -> str:
        """Return the address of a token, deployed on first use with the decimals of its symbol."""
        if token not in self.tokens:
            self._deploy(token, self.address(_DEPLOYER))
        return self.tokens[token]

    def sort(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Deploy the tokens of pools at addresses such that the first of every pair sorts below the second.

        Raises ``BadInput`` where no order does.
        """
        above: dict[str, set[str]] = {}
        for low, high in pairs:
            above.setdefault(high, set()).add(low)
            above.setdefault(low, set())
        try:
            order = list(TopologicalSorter(above).static_order())
        except CycleError as error:
            names = ", ".join(dict.fromkeys(token.partition("@")[0] for token in error.args[1]))
            raise BadInput(
                f"pools of the study have {names} in orders that contradict each other; on one network a token has one "
                "address, so use datasets of the same network",
                field="venues",
            ) from None
        makers = [f"0x{_MAKER + number:040x}" for number in range(len(order))]
        for token, maker in zip(order, sorted(makers, key=lambda one: create_address(one, 0)), strict=True):
            self._deploy(token, maker)

    def _deploy(self, token: str, maker: str) -> None:
        symbol = token.partition("@")[0]
        plain = Deployment(token, "TestToken", (f"Test {symbol}", symbol, self.decimals[symbol]))
        made, _ = self.recipes.get(token, (plain, ""))
        self.tokens |= deploy(self.anvil, maker, [made])

    def mint(self, token: str, who: str, amount: int) -> tuple[str, Call]:
        """Return the call that makes so much of a token for ``who`` (a name); a test token's anybody may send."""
        data = Abi(artefact("TestToken").abi).encode("mint", self.address(who), amount)
        _, maker = self.recipes.get(token, (None, self.address(_DEPLOYER)))
        return maker, Call(self.token(token), data, purpose="endow")

    def approve(self, token: str, who: str, spender: str) -> tuple[str, Call]:
        """Return the call by which ``who`` lets an address take whatever it wants of a token."""
        data = abi(ERC20).encode("approve", spender, (1 << 256) - 1)
        return self.address(who), Call(self.tokens[token], data, purpose="approve")

    def transfer(self, token: str, who: str, target: str, amount: int) -> tuple[str, Call]:
        """Return the call by which ``who`` sends so much of a token to ``target`` (names)."""
        data = Abi(artefact("TestToken").abi).encode("transfer", self.address(target), amount)
        return self.address(who), Call(self.token(token), data, purpose="bring")

    def give(self, token: str, who: str, amount: int) -> None:
        """Make so much of a test token for ``who`` and remember it."""
        self.run([self.mint(token, who, amount)], f"giving {who} {token}")
        self.endowed[token, who] = self.endowed.get((token, who), 0) + amount

    def held(self, accounts: Sequence[str]) -> dict[tuple[str, str], int]:
        """Return the raw units of every token that the accounts (names) hold now, by (token, account)."""
        out: dict[tuple[str, str], int] = {}
        who = [self._addresses[name] for name in accounts]
        for token, contract in sorted(self.tokens.items()):
            found = ask_many(self.rpc, contract, ERC20, [("balanceOf", (one,)) for one in who], self.rpc.block())
            out |= {(token, name): amount for name, (amount,) in zip(accounts, found, strict=True)}
        return out

    def transfers(self, receipts: Sequence[Receipt]) -> tuple[Transfer, ...]:
        """Return every move of a known token that the logs tell, in order, moves of nothing left out."""
        ids = {contract: token for token, contract in self.tokens.items()}
        out = []
        for log in (log for receipt in receipts for log in receipt.logs):
            topics = [str(topic).lower() for topic in log["topics"]]
            token = ids.get(str(log["address"]).lower())
            if token is None or len(topics) != 3 or topics[0] != _TRANSFER:
                continue
            source, target = ("0x" + topic[-40:] for topic in topics[1:])
            amount = int(str(log["data"]), 16)
            if amount:
                out.append(Transfer(token, self.names.get(source, source), self.names.get(target, target), amount))
        return tuple(out)

    # --- blocks -------------------------------------------------------------------------------------------------------

    def mine(self, calls: Sequence[tuple[str, Call]], time: int | None = None) -> list[Receipt]:
        """Mine one block of these (sender, call); unsigned, for accounts of others and for what is taken back."""
        return self.anvil.mine(calls, time_s=time, base_fee=self.base_fee)[1]

    def run(self, calls: Sequence[tuple[str, Call]], what: str, time: int | None = None) -> None:
        """Mine calls that must succeed, in as many blocks as it takes; raises ``RpcError`` saying what failed."""
        for first in range(0, len(calls), _AT_ONCE):
            for receipt in self.mine(calls[first : first + _AT_ONCE], time):
                if not receipt.status:
                    raise RpcError(f"{what} on the local chain reverted: {receipt.revert_reason or 'no reason given'}")

    def include(self, time: int) -> None:
        """Mine one block of whatever was sent."""
        self.anvil.set_base_fee(self.base_fee)
        self.anvil.set_next_timestamp(time)
        self.rpc.request("evm_mine")

    def reach(self, time: int) -> None:
        """Let the chain's clock come to ``time`` by an empty block, if it is not there yet."""
        if self.rpc.block().timestamp < time:
            self.mine([], time)


def intent_of(venue: str, action: Action) -> Intent:
    """Return an action as an intent whose every argument is resolved, for a client to encode."""
    amounts = {k: v for k, v in action.limits.items() if k not in ("sqrt_price_x96", "deadline")}
    return Intent(
        venue,
        action.verb,
        dict(action.args),
        Limits(amounts, action.limits.get("sqrt_price_x96"), action.limits.get("deadline")),
    )
