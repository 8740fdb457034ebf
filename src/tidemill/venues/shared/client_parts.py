"""What clients of all venues do alike: take an intent's arguments by name, put exact approvals, ask views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from tidemill.chain.abi import Abi, decode_revert
from tidemill.chain.abi_text import abi_of_text
from tidemill.chain.rpc import BlockId, Rpc, RpcRejected
from tidemill.chain.types import Call
from tidemill.errors import BadData, BadInput, Revert, RpcError
from tidemill.interfaces import Event, Intent

__all__ = ["ERC20", "REQUIRED", "Given", "abi", "ask", "ask_many", "decode_log", "with_approvals"]

ERC20 = """
function approve(address spender, uint256 amount) returns (bool)
function allowance(address owner, address spender) view returns (uint256)
function balanceOf(address owner) view returns (uint256)
function decimals() view returns (uint8)
"""

REQUIRED: Any = object()
"""Default of an argument that must be given."""

_U256_MAX = (1 << 256) - 1


@cache
def abi(text: str) -> Abi:
    """Return the codec of an ABI written as text, built once."""
    return abi_of_text(text.splitlines())


class Given:
    """Arguments and limits of one intent, taken by name; what is missing, unresolved or unknown is a ``BadInput``."""

    def __init__(self, intent: Intent) -> None:
        self.intent = intent
        self._left = set(intent.args)
        self._limits_left = set(intent.limits.amounts)

    def number(self, name: str, default: Any = REQUIRED, *, signed: bool = False) -> int:
        """Return an integer argument."""
        self._left.discard(name)
        value: int = self._take(self.intent.args, name, default, int)
        if value < 0 and not signed:
            raise BadInput(f"{self.intent.verb}: {name} = {value} is below 0")
        return value

    def text(self, name: str, default: Any = REQUIRED) -> str:
        """Return a text argument."""
        self._left.discard(name)
        return str(self._take(self.intent.args, name, default, str))

    def flag(self, name: str) -> bool:
        """Return a yes or no."""
        self._left.discard(name)
        return bool(self._take(self.intent.args, name, REQUIRED, bool))

    def limit(self, name: str, default: Any = REQUIRED) -> int:
        """Return a limit's amount."""
        self._limits_left.discard(name)
        return int(self._take(self.intent.limits.amounts, name, default, int))

    @property
    def deadline(self) -> int:
        """Seconds; without a deadline the largest number."""
        return _U256_MAX if self.intent.limits.deadline is None else self.intent.limits.deadline

    def finish(self) -> None:
        """Refuse what the verb did not ask for: a misspelt limit must not be a silent absence of it."""
        for name in sorted(self._left | self._limits_left):
            raise BadInput(f"{self.intent.verb}: {name} is unknown to this verb")

    def _take(self, values: Mapping[str, Any], name: str, default: Any, kind: type) -> Any:
        value = values.get(name, default)
        if value is REQUIRED:
            raise BadInput(f"{self.intent.verb}: {name} is missing")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise BadInput(f"{self.intent.verb}: {name} = {value!r} is not resolved to {kind.__name__}")
        return value


def with_approvals(
    rpc: Rpc, account: str, due: Mapping[str, int], spender: str, call: Call, *, reset: bool
) -> Sequence[Call]:
    """Put exact approvals of ``due`` (amount by token address) before ``call`` and, if ``reset``, back to 0 behind it.

    Standing allowances are read now: one that is right already is left, another is put to 0 first, because some tokens
    (USDT) refuse any other change.
    """
    codec, before, behind = abi(ERC20), [], []
    for token, amount in due.items():
        if not amount:
            continue
        (standing,) = ask(rpc, token, ERC20, "allowance", (account, spender), "latest")
        if standing != amount:
            steps = [0, amount] if standing else [amount]
            before += [Call(token, codec.encode("approve", spender, step), purpose="approve") for step in steps]
        if reset:
            behind.append(Call(token, codec.encode("approve", spender, 0), purpose="approve"))
    return [*before, call, *behind]


def ask(rpc: Rpc, to: str, contract: str, name: str, args: Sequence[Any], block: BlockId) -> tuple[Any, ...]:
    """Ask one view of ``contract`` (an ABI as text); raises ``Revert`` when it refuses, ``RpcError`` when it is no such."""
    codec = abi(contract)
    try:
        return codec.decode(name, rpc.call(to, codec.encode(name, *args), block=block))
    except RpcRejected as rejected:
        if rejected.reverted:
            raise Revert(decode_revert(rejected.data or b"")) from None
        raise
    except ValueError:
        raise RpcError(f"{rpc.address}: {to} gave no answer to {name}(); wrong address or chain?") from None


def ask_many(
    rpc: Rpc, to: str, contract: str, asked: Sequence[tuple[str, tuple[Any, ...]]], block: BlockId
) -> list[tuple[Any, ...]]:
    """Ask many views at once; the first that refuses is raised."""
    codec, out = abi(contract), []
    answers = rpc.call_many([(to, codec.encode(name, *args)) for name, args in asked], block=block)
    for (name, _args), answer in zip(asked, answers, strict=True):
        if isinstance(answer, RpcRejected):
            raise answer
        try:
            out.append(codec.decode(name, answer))
        except ValueError:
            raise RpcError(f"{rpc.address}: {to} gave no answer to {name}(); wrong address or chain?") from None
    return out


def decode_log(log: Mapping[str, Any], contract: str, *, venue: str, may_be_unknown: bool = False) -> Event | None:
    """Return one event of ``contract``, ``None`` if unknown and that is allowed; raises ``BadData`` when damaged."""
    topics = [str(t).lower() for t in log["topics"]]
    codec = abi(contract).events.get(topics[0]) if topics else None
    where = f"log {log.get('logIndex', '?')} of transaction {log.get('transactionHash', '?')}"
    if codec is None:
        if may_be_unknown:
            return None
        raise BadData(f"{where}: topic {topics[0] if topics else 'none'} is no event of {venue}")
    try:
        args = codec.decode(topics, bytes.fromhex(str(log["data"]).removeprefix("0x")))
    except ValueError as error:
        raise BadData(f"{where}: {error}") from None
    return Event(codec.name, args)
