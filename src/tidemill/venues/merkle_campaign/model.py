"""A distributor in memory: roots come into force, claims are proven against them and pay the difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidemill.errors import Revert, UnknownName
from tidemill.interfaces import Action, Context, Position, Rate, Result
from tidemill.venues.merkle_campaign.merkle import root_by_proof
from tidemill.venues.merkle_campaign.rules import unpaid
from tidemill.venues.merkle_campaign.state import CampaignState
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.words import count_words

__all__ = ["VERBS", "Args", "CampaignModel", "claim_of", "claims_of", "root_of"]

Args = Mapping[str, int | str | bool]
"""Arguments of a verb, resolved."""
UNFUNDED = "balance"
"""Why our test token refuses to move what its owner lacks."""


def root_of(state: CampaignState, args: Args) -> int:
    """Return the root that `submit` is told: given as hex, or that of an epoch's tree."""
    return int(str(args["root"]), 16) if "root" in args else state.tree(int(args["epoch"])).root


def claim_of(state: CampaignState, args: Args, sender: str, root: int) -> tuple[str, str, int, list[int]]:
    """Return account, token, cumulative amount and proof of a claim.

    What is not given is looked up in the tree behind ``root``, the one in force, as a claimant would; who is not in it
    claims 0.
    ``proof`` is hex, 32 bytes a sibling from the bottom up.
    """
    account, token = str(args.get("account", sender)), str(args.get("token", state.own))
    epoch, earned = state.published(root)
    cumulative = int(args.get("cumulative", earned.get((account, token), 0)))
    if "proof" in args:
        text = str(args["proof"]).removeprefix("0x")
        return account, token, cumulative, [int(text[i : i + 64], 16) for i in range(0, len(text), 64)]
    known = (account, token) in earned and earned[account, token] == cumulative
    return account, token, cumulative, state.tree(epoch).proof(state.leaf(account, token, cumulative)) if known else []


def claims_of(
    state: CampaignState, venue: str, account: str, root: int, paid: Callable[[str], int]
) -> tuple[Position, ...]:
    """Return the position of an account under ``root``; ``paid`` says how much of a token it has been paid.

    ``share`` is how many entries of its the trees have: it does not change, and nothing of it can be sold.
    """
    share = sum(len(earned.of(account)) for earned in state.epochs)
    if not share:
        return ()
    _, earned = state.published(root)
    mine = earned.of(account).items()
    claimable = {token: due for token, cumulative in mine if (due := cumulative - paid(token)) > 0}
    return (Position(f"{venue}#claims", venue, "campaign", {"share": share}, {}, claimable),)


class CampaignModel:
    """`Model` of a distributor.

    Of anybody: claim, dispute, fund (a transfer of tokens to it). Of the owner: submit, resolve, recover. Amounts are raw
    units.
    """

    def init(self, params: Mapping[str, Any]) -> CampaignState:
        """Make a distributor without a root; ``params`` are fields of `CampaignState`."""
        return CampaignState(**params)

    def apply(self, state: CampaignState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count storage words."""
        if action.verb not in VERBS:
            raise UnknownName("verb of a campaign", action.verb, VERBS)
        effects = Effects(ctx)
        people = dict.fromkeys((ctx.sender, state.account, state.owner, state.disputer or ctx.sender))
        for name in ("account", "to"):
            if name in action.args:
                people[str(action.args[name])] = None
        tokens = dict.fromkeys((str(action.args.get("token", state.own)), state.bond_token))
        entries = [(who, token) for who in people for token in tokens]

        def words() -> list[int]:
            own = [state.last_root, state.next_root, state.active_at, _number(state.disputer)]
            own += [state.paid.get(entry, 0) for entry in entries]
            return own + [effects.balance(token, who) for who, token in entries]

        before = words()
        amounts = VERBS[action.verb](state, effects, action.args)
        for name, times in count_words(zip(before, words(), strict=True)).items():
            effects.count(name, times)
        return effects.result(amounts)

    def read(self, state: CampaignState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name; ``root`` takes the time, ``claimed`` account and token.

        Roots are 256-bit integers, the disputer is "" for none.
        """
        simple = {
            "lastRoot": state.last_root, "nextRoot": state.next_root, "activeAt": state.active_at,
            "disputer": state.disputer, "delay": state.delay, "bond": state.bond,
        }  # fmt: skip
        if query in simple:
            return simple[query]
        if query == "root":
            return state.root(args[0])
        if query == "claimed":
            return state.paid.get((args[0], args[1]), 0)
        raise KeyError(query)

    def positions(
        self, state: CampaignState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return what the root in force lets ``owner`` claim at ``now`` (seconds), if it is in any tree at all."""
        return claims_of(state, venue, owner, state.root(now), lambda token: state.paid.get((owner, token), 0))

    def rates(self, state: CampaignState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A distributor issues no receipt token."""
        return {}


def _submit(state: CampaignState, effects: Effects, args: Args) -> dict[str, int]:
    """Let a root come into force after the delay."""
    now = effects.ctx.block.time
    _require_owner(state, effects)
    if state.disputer:
        raise Revert("disputed")
    if now < state.active_at:
        raise Revert("a root is pending")
    root = root_of(state, args)
    if "epoch" in args:
        state.roots[root] = int(args["epoch"])
    state.last_root, state.next_root, state.active_at = state.next_root, root, now + state.delay
    effects.log("RootSubmitted", activeAt=state.active_at)
    return {}


def _dispute(state: CampaignState, effects: Effects, args: Args) -> dict[str, int]:
    """Hold up the pending root for a bond."""
    del args
    me = effects.ctx.sender
    if effects.ctx.block.time >= state.active_at:
        raise Revert("nothing to dispute")
    if state.disputer:
        raise Revert("disputed")
    _move(effects, state.bond_token, me, state.account, state.bond)
    state.disputer = me
    effects.log("Disputed", disputer=me)
    return {"bond": state.bond}


def _resolve(state: CampaignState, effects: Effects, args: Args) -> dict[str, int]:
    """Drop the root and give the bond back, or keep both and let the delay begin anew."""
    _require_owner(state, effects)
    if not state.disputer:
        raise Revert("no dispute")
    valid, now = bool(args["valid"]), effects.ctx.block.time
    _move(effects, state.bond_token, state.account, state.disputer if valid else state.owner, state.bond)
    if valid:
        state.next_root, state.active_at = state.last_root, now
    else:
        state.active_at = now + state.delay
    state.disputer = ""
    effects.log("Resolved", valid=valid)
    return {}


def _claim(state: CampaignState, effects: Effects, args: Args) -> dict[str, int]:
    """Pay an account what it has earned and not been paid; anybody may bring the proof."""
    root = state.root(effects.ctx.block.time)
    account, token, cumulative, proof = claim_of(state, args, effects.ctx.sender, root)
    effects.count("proof_words", len(proof))
    if root_by_proof(state.leaf(account, token, cumulative), proof) != root:
        raise Revert("proof")
    due = unpaid(cumulative, state.paid.get((account, token), 0))
    _move(effects, token, state.account, account, due)
    state.paid[account, token] = cumulative
    effects.log("Claimed", account=account, token=token, amount=due)
    return {"reward": due}


def _fund(state: CampaignState, effects: Effects, args: Args) -> dict[str, int]:
    """Bring tokens: a plain transfer."""
    _move(effects, str(args.get("token", state.own)), effects.ctx.sender, state.account, int(args["amount"]))
    return {}


def _recover(state: CampaignState, effects: Effects, args: Args) -> dict[str, int]:
    """Take tokens out again; what is owed is not kept back."""
    _require_owner(state, effects)
    token, amount = str(args.get("token", state.own)), int(args["amount"])
    _move(effects, token, state.account, str(args.get("to", effects.ctx.sender)), amount)
    effects.log("Recovered", token=token, amount=amount)
    return {"amount": amount}


VERBS: Mapping[str, Callable[[CampaignState, Effects, Args], dict[str, int]]] = {
    "submit": _submit,
    "dispute": _dispute,
    "resolve": _resolve,
    "claim": _claim,
    "fund": _fund,
    "recover": _recover,
}
"""By verb: (state, effects, arguments) → amounts. Each moves its tokens, which may be refused, ahead of any change."""


def _move(effects: Effects, token: str, source: str, target: str, amount: int) -> None:
    effects.count("transfers")
    effects.move(token, source, target, amount, UNFUNDED)


def _require_owner(state: CampaignState, effects: Effects) -> None:
    if effects.ctx.sender != state.owner:
        raise Revert("not the owner")


def _number(name: str) -> int:
    """Return a number that differs wherever two names do, 0 for none."""
    return int.from_bytes(name.encode(), "big")
