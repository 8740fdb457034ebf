"""What a trial has compared so far: answers of views, refusals, amounts and balances; the first difference ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Action, Filled, Result, Reverted, Status
from tidemill.venues.shared.client_parts import ERC20, ask_many
from tidemill.venues.shared.proving import Balance, Subject

__all__ = ["Trial", "shown"]


class Trial:
    """What was done and refused alike, by verb; how much was compared; what differed."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.views = self.balances = 0
        self.differences: list[str] = []

    def compare(self, where: str, answers: Sequence[tuple[str, Any, Any]]) -> None:
        """Compare views: (name, the model's answer, the chain's)."""
        self.views += len(answers)
        for name, model, chain in answers:
            if model != chain:
                self.differences.append(f"{where}: {name} is {chain} on the chain, {model} in the model")

    def refusal(self, action: Action, revert: Revert, status: Status) -> None:
        """Compare what the model refuses with what the chain did."""
        where = shown(action)
        if not isinstance(status, Reverted):
            self.differences.append(f"{where}: the chain does it, the model refuses with {revert.reason!r}")
        elif status.reason != revert.reason:
            told = f"the chain refuses with {status.reason!r}, the model with {revert.reason!r}"
            self.differences.append(f"{where}: {told}")
        else:
            self.refused[action.verb] += 1
            self.reasons[revert.reason.partition("(0x")[0] or "(no reason given)"] += 1

    def success(self, action: Action, made: Result, status: Status) -> None:
        """Compare what the model does with what the chain did, amount by amount."""
        where = shown(action)
        if not isinstance(status, Filled):
            reason = getattr(status, "reason", status)
            self.differences.append(f"{where}: the chain refuses with {reason!r}, the model does it")
            return
        for name, amount in made.amounts.items():
            found = status.amounts.get(name, amount)
            if found != amount:
                self.differences.append(f"{where}: {name} is {found} on the chain, {amount} in the model")
                return
        self.done[action.verb] += 1

    def holdings(self, where: str, subject: Subject, me: str, balance: Balance, block: int) -> None:
        """Compare every balance of the actor and of the venue's contracts."""
        who = [me, *subject.accounts]
        for token, address in subject.tokens.items():
            held = ask_many(subject.client.rpc, address, ERC20, [("balanceOf", (one,)) for one in who], block)
            for account, (amount,) in zip(who, held, strict=True):
                self.balances += 1
                if amount != balance(token, account):
                    name = "the actor" if account == me else account
                    told = f"{amount} of {token} on the chain, {balance(token, account)} in the model"
                    self.differences.append(f"{where}: {name} holds {told}")


def shown(action: Action) -> str:
    """Return an action in one line."""
    told = (f"{name}={value}" for name, value in {**action.args, **action.limits}.items())
    return " ".join([action.verb, *told])
