"""Prove: hold a kind's model against a deployed contract, through a user's endpoint, to the wei.

The chain is forked locally at one block; the model starts from the contract's own state there. Random actions are done on
both, and after each of them every view and every balance must be equal, and every refusal must have the same reason.
Nothing is ever sent to the user's endpoint. Without a local chain, recorded logs of the blocks before can be replayed on
the model and the views compared, which is less.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from random import Random
from typing import Any

from eth_hash.auto import keccak
from msgspec import Struct, field

from tidemill import __version__
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import anvil_path
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.rpc import Rpc
from tidemill.chain.types import BlockRef, Call
from tidemill.engine.rng import stream
from tidemill.errors import BadInput, ReplayMismatch, Revert, RpcError, UnknownName
from tidemill.interfaces import Action, Block, Result, Transfer
from tidemill.studies.prove_document import ProofDocument, Replayed
from tidemill.studies.prove_trial import Trial, shown
from tidemill.venues.about import about
from tidemill.venues.kinds import kind
from tidemill.venues.shared.client_parts import ERC20, abi, ask
from tidemill.venues.shared.proving import Site, Subject, one_in

__all__ = ["Wanted", "known_beside", "prove"]

Tell = Callable[[str], None]
ME = "0x" + keccak(b"tidemill prover").hex()[-40:]
"""Who acts on the fork; nobody has its key."""
_DEPLOYER = "0x" + keccak(b"tidemill prover: helpers").hex()[-40:]
_WEALTH = 10**24
_MAX = (1 << 256) - 1
HARDFORK = "prague"
"""Said, not left to the local chain, which guesses it from chain id and block number; our helper needs Cancun's words."""
GAPS = (1, 2, 12, 600)
"""Seconds between two actions; one time in ``LONG`` a day passes as well."""
LONG = 7
DAY = 86_400


class Wanted(Struct, frozen=True):
    """What is to be proven.

    Parameters
    ----------
    kind, address : of the venue. beside : further contracts by name. chain_id : what the endpoint must be on, if known.
    block : to fork at, ``None`` for the newest. actions, seed : of the trial. replay : blocks before ``block`` whose logs
    the model follows first.
    """

    kind: str
    address: str
    beside: Mapping[str, str] = field(default_factory=dict)
    chain_id: int | None = None
    block: int | None = None
    actions: int = 200
    seed: int = 0
    replay: int = 0


def prove(url: str, wanted: Wanted, *, progress: Tell | None = None) -> ProofDocument:
    """Hold a deployed venue against its model.

    Raises
    ------
    BadInput : a kind that has no such trial, no code at the address, a token that cannot be had on a fork.
    RpcError : an endpoint that fails, is on another chain, or an address that is no such contract.
    MissingArtefact : no local chain in the cache while actions are asked for.
    """
    tell = progress or (lambda _line: None)
    make = _maker(wanted.kind, wanted.beside)
    if wanted.actions:
        anvil_path()  # asked first: all reading would be for nothing
        if not url.startswith(("http://", "https://")):
            raise BadInput("a local chain can only fork an http(s) endpoint; give one, or try no actions", field="rpc")
    trial = Trial()
    with Rpc.connect(url, chain_id=wanted.chain_id, tell=tell) as rpc:
        chain, at = rpc.chain_id, rpc.block(wanted.block if wanted.block is not None else "latest")
        code, state, replayed = _read(rpc, make, wanted, at, trial, tell)
    if wanted.actions and not trial.differences:
        tell(f"forking chain {chain} at block {at.number:,} …")
        with _fork(url, chain, at) as anvil:
            _act(anvil, make, state, wanted, trial, tell)
    return ProofDocument(
        tool_version=__version__,
        kind=wanted.kind,
        address=wanted.address,
        chain_id=chain,
        block=at.number,
        block_hash=at.hash,
        as_of=dt.datetime.fromtimestamp(at.timestamp, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        code=code,
        beside=dict(sorted(wanted.beside.items())),
        seed=wanted.seed,
        actions=wanted.actions,
        done=dict(sorted(trial.done.items())),
        refused=dict(sorted(trial.refused.items())),
        reasons=dict(sorted(trial.reasons.items())),
        views=trial.views,
        balances=trial.balances,
        replayed=replayed,
        differences=trial.differences,
    )


def _read(
    rpc: Rpc, make: Callable[[Site], Subject], wanted: Wanted, at: BlockRef, trial: Trial, tell: Tell
) -> tuple[str, Any, Replayed]:
    """Read the contract at one block and compare its views; return its code's hash, its state and what was replayed."""
    code, chain = rpc.code(wanted.address, block=at.number), rpc.chain_id
    if not code:
        raise BadInput(f"no contract at {wanted.address} on chain {chain} at block {at.number:,}", field="address")
    tell(f"reading the contract's state at block {at.number:,} …")
    try:
        subject = make(Site(rpc, wanted.address, ME, wanted.beside))
        state = subject.state(at.number)
        views = subject.views(state, at.timestamp, _chain_balances(subject, at.number), at.number)
    except Revert as revert:
        why = f"refuses what {wanted.kind} answers ({revert.reason or 'no reason given'}); wrong address or chain?"
        raise BadInput(f"{wanted.address} on chain {chain} {why}", field="address") from None
    trial.compare(f"block {at.number:,}", views)
    replayed = Replayed()
    if wanted.replay and not trial.differences:
        tell(f"replaying {wanted.replay:,} blocks …")
        replayed = _replay(subject, rpc, at, wanted.replay, trial)
    return "0x" + keccak(code).hex(), state, replayed


def _maker(name: str, beside: Mapping[str, str]) -> Callable[[Site], Subject]:
    """Return how a kind is put to the trial: by its folder's own ``prove`` module."""
    module = _module(name)
    for key in beside:
        if key not in module.BESIDE:
            raise UnknownName("contract beside the address", key, module.BESIDE, field="with")
    made: Callable[[Site], Subject] = module.subject
    return made


def _module(name: str) -> Any:
    folder = kind(name).place.__module__.rpartition(".")[0]
    try:
        return import_module(f"{folder}.prove")
    except ModuleNotFoundError as missing:
        if missing.name != f"{folder}.prove":
            raise
        raise BadInput(f"{name} has no trial against deployed contracts yet", field="kind") from None


def known_beside(name: str, network: str) -> dict[str, str]:
    """Return the further contracts of a kind that are known on a network, as far as its trial can use them."""
    facts = about(name).deployments.get(network, {})
    return {key: str(facts[key].value) for key in _module(name).BESIDE if key in facts}


def _fork(url: str, chain: int, at: BlockRef) -> Anvil:
    options = AnvilOptions(
        chain_id=chain, fork_url=url, fork_block=at.number, timestamp=at.timestamp, hardfork=HARDFORK
    )
    try:
        return Anvil(options)
    except RpcError as error:  # what the local chain says of an address may hold a secret of it
        raise RpcError(str(error).replace(url, "the endpoint")) from None


# --- logs that were recorded ------------------------------------------------------------------------------------------


def _replay(subject: Subject, rpc: Rpc, at: BlockRef, blocks: int, trial: Trial) -> Replayed:
    """Let the model follow the logs of the blocks up to ``at`` and compare at its end; only reads."""
    first = at.number - blocks
    if first < 0 or not (subject.replays and hasattr(subject.model, "replay")):
        why = "this kind's model follows no logs" if first >= 0 else f"there are only {at.number:,} blocks before"
        raise BadInput(f"nothing to replay: {why}", field="replay")
    logs = rpc.logs(address=list(subject.accounts), from_block=first + 1, to_block=at.number)
    told = [
        (int(str(log["blockNumber"]), 16), event)
        for log in logs
        for event in subject.client.events([log])
        if subject.told(event)
    ]
    times = {number: rpc.block(number).timestamp for number in sorted({number for number, _ in told})}
    state = subject.state(first, [event for _, event in told])
    for count, (number, event) in enumerate(told):
        ctx = _Ctx(Block(time=times[number], number=number), ME, _chain_balances(subject, number - 1))
        try:
            subject.model.replay(state, event, ctx)
        except (ReplayMismatch, Revert) as mismatch:
            trial.differences.append(f"block {number:,}: {event.name}: {mismatch}")
            return Replayed(blocks, count)
    where, held = f"after the logs of {blocks:,} blocks", _chain_balances(subject, at.number)
    trial.compare(where, subject.views(state, at.timestamp, held, at.number))
    return Replayed(blocks, len(told))


def _chain_balances(subject: Subject, block: int) -> Callable[[str, str], int]:
    def balance(token: str, account: str) -> int:
        held: int = ask(subject.client.rpc, subject.tokens[token], ERC20, "balanceOf", (account,), block)[0]
        return held

    return balance


# --- actions on a fork ------------------------------------------------------------------------------------------------


class _Ctx:
    """What the model may know while it acts."""

    def __init__(self, block: Block, sender: str, balance: Callable[[str, str], int]) -> None:
        self.block, self.sender, self.balance = block, sender, balance

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError


class _Book:
    """Balances as the model has them: the chain's at the start, then moved by results."""

    def __init__(self, subject: Subject) -> None:
        self._seen = _chain_balances(subject, subject.client.rpc.block().number)
        self._held: dict[tuple[str, str], int] = {}

    def balance(self, token: str, account: str) -> int:
        key = token, account
        if key not in self._held:
            self._held[key] = self._seen(*key) if account.startswith("0x") else 0
        return self._held[key]

    def move(self, transfers: Sequence[Transfer]) -> None:
        for moved in transfers:
            self._held[moved.token, moved.source] = self.balance(moved.token, moved.source) - moved.amount
            self._held[moved.token, moved.target] = self.balance(moved.token, moved.target) + moved.amount


def _act(anvil: Anvil, make: Callable[[Site], Subject], state: Any, wanted: Wanted, trial: Trial, tell: Tell) -> None:
    """Do random actions on the fork and on the model until they differ or all are done."""
    for who in (ME, _DEPLOYER):
        anvil.set_balance(who, _WEALTH)
    subject = make(Site(anvil.rpc, wanted.address, ME, wanted.beside, lambda name: _helper(anvil, name)))
    anvil.errors.update(subject.errors)
    tell("giving the actor what it may spend …")
    for token, amount in subject.wealth.items():
        _give(anvil, subject.tokens[token], token, amount)
    _approve(anvil, subject)
    book = _Book(subject)
    random = stream("prove", wanted.kind, wanted.address, wanted.seed)
    tell(f"trying {wanted.actions:,} actions …")
    tried = 0
    while tried < wanted.actions and not trial.differences:
        for action in subject.draw(random, state, book.balance):
            tried += 1
            _do(anvil, subject, state, book, action, random, trial)
            if trial.differences:
                return


def _do(anvil: Anvil, subject: Subject, state: Any, book: _Book, action: Action, random: Random, trial: Trial) -> None:
    """Do one action on both sides and compare everything."""
    head = anvil.rpc.block()
    time = head.timestamp + random.choice(GAPS)
    if one_in(random, LONG):  # a client reads what approvals must cover before it encodes: not days ahead
        time += DAY
        anvil.mine([], time_s=time - 1)
    block, receipts = anvil.mine([(ME, call) for call in subject.calls(action)], time_s=time)
    status = subject.decode(receipts)
    try:
        made = subject.model.apply(state, action, _Ctx(Block(time=time, number=block.number), ME, book.balance))
    except Revert as revert:
        trial.refusal(action, revert, status)
    else:
        book.move(made.transfers)
        trial.success(action, made, status)
    if trial.differences:
        return
    trial.compare(shown(action), subject.views(state, time, book.balance, block.number))
    trial.holdings(shown(action), subject, ME, book.balance, block.number)


# --- what the actor needs ---------------------------------------------------------------------------------------------


def _helper(anvil: Anvil, name: str) -> str:
    return deploy(anvil, _DEPLOYER, [Deployment(name, name)])[name]


def _approve(anvil: Anvil, subject: Subject) -> None:
    calls = [(ME, Call(token, abi(ERC20).encode("approve", spender, _MAX))) for token, spender in subject.approvals]
    if calls and not all(receipt.status for receipt in anvil.mine(calls)[1]):
        raise BadInput("a token refuses an approval on the fork", field="address")


def _give(anvil: Anvil, token: str, name: str, amount: int) -> None:
    """Write a balance into a token on the fork: into the one word that ``balanceOf`` reads and that turns it.

    Raises ``BadInput`` for a token whose balance is no single word (rebasing, wrapped shares …).
    """
    rpc, codec = anvil.rpc, abi(ERC20)
    call = {"from": ME, "to": token, "data": "0x" + codec.encode("balanceOf", ME).hex()}
    listed = rpc.request("eth_createAccessList", call, "latest")["accessList"]
    words = [(str(entry["address"]), int(key, 16)) for entry in listed for key in entry["storageKeys"]]
    for address, slot in words:
        before = rpc.storage(address, slot)
        anvil.set_storage(address, slot, amount)
        try:
            found = ask(rpc, token, ERC20, "balanceOf", (ME,), "latest")[0]
        except (Revert, RpcError):  # that word was not a balance: whose code a proxy runs, for one
            found = None
        if found == amount:
            return
        anvil.set_storage(address, slot, before)
    raise BadInput(
        f"{name} ({token}): no single storage word holds a balance, so none can be given on a fork", field="address"
    )
