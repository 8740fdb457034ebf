"""A rollup's fee vaults and its data still to be posted, in memory: users pay in, the operator posts and collects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidemill.interfaces import Action, Context, Position, Rate, Result, Revert
from tidemill.networks.op_revenue import revenue_share_down
from tidemill.units import div_down, div_up
from tidemill.venues.sequencer.rules import Batches, Packing, batches_up, posting_wei
from tidemill.venues.shared.effects import Effects

__all__ = ["COST", "SequencerModel", "SequencerState"]

COST = "costs:"
"""Accounts that take what an operator pays away for good (``tidemill.ledger.families.COST``)."""


@dataclass
class SequencerState:
    """What an operator has to do and to get; amounts are wei, times seconds.

    ``account`` holds the fee vaults in the world's book, ``token`` is what users pay in. ``waiting`` are bytes not posted;
    ``posted_at`` is when nothing waited last. Prices of Ethereum are those of the last tick; ``blobs_from`` is when the
    stack may first post blobs. Proofs: each ``proof_seconds`` one of ``proof_gas`` gas on Ethereum, and ``proving_wei`` of
    computing for each transaction proven. ``shares`` says whether the Superchain's part is paid on what is collected.
    """

    venue: str
    account: str
    token: str
    operator: str
    packing: Packing
    blobs_from: int
    proof_seconds: int
    proof_gas: int
    proving_wei: int
    shares: bool
    proven_at: int
    posted_at: int
    waiting: int = 0
    unproven: int = 0
    gas_price: int = 0
    blob_base_fee: int = 0
    execution: int = 0
    l1_data: int = 0
    others: int = 0


class SequencerModel:
    """`Model` of a sequencer.

    Of the script: serve (``count`` transactions of ``size`` bytes in the batch all together, their fees ``execution``,
    ``l1_data``, ``operator``, and Ethereum's ``gas_price`` and ``blob_base_fee``). Of the operator: post (``form``: blob,
    calldata or cheaper; ``max_seconds``: no batch spans more, 0 for any) and collect.
    """

    def init(self, params: Mapping[str, Any]) -> SequencerState:
        """Make empty vaults; ``params``: the fields of `SequencerState`."""
        return SequencerState(**params)

    def apply(self, state: SequencerState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts."""
        verbs = {"serve": _serve, "post": _post, "collect": _collect}
        if action.verb not in verbs:
            raise Revert(f"no verb {action.verb!r}")
        if action.verb != "serve" and ctx.sender != state.operator:
            raise Revert("not the operator")
        return verbs[action.verb](state, Effects(ctx), action.args)

    def read(self, state: SequencerState, query: str, *args: Any) -> Any:
        """Answer ``prices`` (gas price, blob base fee), ``waiting`` (bytes), ``blobs`` (whether they may be posted at a
        time), ``postedAt`` (when everything had last been posted), ``vaults`` (execution, L1 data, operator fees) or
        ``cost`` (wei of posting now what waits, given a time and a form).
        """
        if query == "blobs":
            return args[0] >= state.blobs_from
        if query == "cost":
            return _posting(state, str(args[1]), int(args[0]), 0)[1]
        plain = {
            "prices": (state.gas_price, state.blob_base_fee),
            "waiting": state.waiting,
            "postedAt": state.posted_at,
            "vaults": (state.execution, state.l1_data, state.others),
        }
        return plain[query]

    def positions(
        self, state: SequencerState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the operator's takings that lie in the vaults."""
        if owner != state.operator:
            return ()
        held = state.execution + state.l1_data + state.others
        claimable = {state.token: held} if held else {}
        return (Position(f"{venue}#takings", venue, "takings", {"size": 1}, {}, claimable),)

    def rates(self, state: SequencerState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """An operator has no receipt token."""
        return {}


def _serve(state: SequencerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    execution, l1_data, others = (int(args[name]) for name in ("execution", "l1_data", "operator"))
    effects.move(state.token, effects.ctx.sender, state.account, execution + l1_data + others, "balance")
    state.execution += execution
    state.l1_data += l1_data
    state.others += others
    state.waiting += int(args["size"])
    state.unproven += int(args["count"])
    state.gas_price, state.blob_base_fee = int(args["gas_price"]), int(args["blob_base_fee"])
    return effects.result({"fees": execution + l1_data + others})


def _post(state: SequencerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    if state.waiting == 0:
        raise Revert("nothing to post")
    now = effects.ctx.block.time
    batches, wei = _posting(state, str(args.get("form", "cheaper")), now, int(args.get("max_seconds", 0)))
    proofs = div_down(now - state.proven_at, state.proof_seconds) if state.proof_seconds else 0
    proving = proofs * state.proof_gas * state.gas_price + state.unproven * state.proving_wei
    effects.move(state.token, state.operator, f"{COST}da:{state.venue}", wei, "balance")
    effects.move(state.token, state.operator, f"{COST}proving:{state.venue}", proving, "balance")
    state.proven_at += proofs * state.proof_seconds
    state.waiting, state.unproven, state.posted_at = 0, 0, now
    told = {"size": batches.size, "transactions": batches.transactions, "blobs": batches.blobs, "da": wei}
    effects.log("Posted", **told, proving=proving)
    return effects.result({**told, "proving": proving})


def _posting(state: SequencerState, form: str, now: int, max_seconds: int) -> tuple[Batches, int]:
    """Return the batches of everything that waits and their price, in the cheapest form allowed."""
    if form not in ("blob", "calldata", "cheaper"):
        raise Revert(f"no form {form!r}")
    if form == "blob" and now < state.blobs_from:
        raise Revert("no blobs yet")
    least = max(1, div_up(now - state.posted_at, max_seconds)) if max_seconds else 1
    forms = [True] if form == "blob" else [False] if form == "calldata" or now < state.blobs_from else [True, False]
    found = [batches_up(state.waiting, state.packing, blobs=blobs, at_least=least) for blobs in forms]
    priced = [(posting_wei(one, state.packing, state.gas_price, state.blob_base_fee), one) for one in found]
    wei, batches = min(priced, key=lambda pair: pair[0])
    return batches, wei


def _collect(state: SequencerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    gross = state.execution + state.l1_data + state.others
    if gross == 0:
        raise Revert("nothing to collect")
    share = revenue_share_down(gross, state.l1_data) if state.shares else 0
    effects.move(state.token, state.account, state.operator, gross, "balance")
    effects.move(state.token, state.operator, f"{COST}sharing:{state.venue}", share, "balance")
    state.execution = state.l1_data = state.others = 0
    effects.log("Collected", gross=gross, share=share)
    return effects.result({"gross": gross, "share": share})
