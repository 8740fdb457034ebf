"""Defects planted in what is read: every one must stop the statement, in words that say where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import msgspec
import pytest

from statement.portfolio import ME, Portfolio
from statement.test_round_trip import KINDS, asked, lived
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.errors import BadData, InvariantBroken, RpcError, UnknownName
from tidemill.interfaces import Filled
from tidemill.studies.held.asked import Asked
from tidemill.studies.held.chain import from_chain
from tidemill.venues.shared.told import Told

pytestmark = pytest.mark.chain

NEEDS = {"farm": ("pair",), "chef": ("pair", "vault")}
"""Whose receipt tokens a venue stakes."""

QUICK = [
    ("pair", "add_liquidity"),
    ("vault", "withdraw"),
    ("farm", "claim"),
    ("chef", "deposit"),
    ("market", "borrow"),
    ("market", "liquidated"),
    ("morpho", "supply"),
]
REST = [
    ("pair", "remove_liquidity"),
    ("vault", "deposit"),
    ("farm", "stake"),
    ("chef", "harvest"),
    ("chef", "emergency_withdraw"),
    ("market", "supply"),
    ("market", "withdraw"),
    ("market", "repay"),
    ("market", "receive"),
    ("morpho", "borrow"),
    ("morpho", "supply_collateral"),
    ("morpho", "repay"),
    ("morpho", "liquidated"),
]


@pytest.fixture(scope="module")
def world() -> Iterator[Portfolio]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        yield lived(anvil, "faults 2", 120)


PRICED = {"farm": ("RWD",), "chef": ("SUSHI", "BON")}
"""Tokens that no venue quotes."""


def short(world: Portfolio, venue: str, block: int) -> Asked:
    """A statement of one venue, and those whose shares it stakes, up to a block."""
    whole = asked(world, end=str(block), home="USD" if venue == "market" else "USDC")
    wanted = {KINDS[one] for one in (venue, *NEEDS.get(venue, ()))}
    contracts = tuple(one for one in whole.contracts if one[0] in wanted)
    given = {symbol: whole.given[symbol] for symbol in PRICED.get(venue, ())}
    question = msgspec.structs.replace(whole, contracts=contracts, given=given)
    try:
        assert from_chain(world.rpc, question).total is not None
    except UnknownName:  # the second reward has not been met yet
        question = msgspec.structs.replace(
            question, given={symbol: given[symbol] for symbol in given if symbol != "BON"}
        )
        assert from_chain(world.rpc, question).total is not None
    return question


class Planted:
    """A reader of logs that does one thing wrong, once: at the first thing told that is what was looked for (in block
    ``at``, where one is given).
    """

    def __init__(
        self,
        read: Callable[..., Sequence[Told]],
        verb: str,
        spoil: Callable[[Told], Told | None],
        at: int | None = None,
    ) -> None:
        self.read, self.verb, self.spoil, self.at = read, verb, spoil, at
        self.block: int | None = None

    def __call__(self, client: Any, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
        out = []
        for told in self.read(client, logs):
            fits = told.verb == self.verb and (told.legs or told.losses) and self.block is None
            fits = fits or (told.verb == self.verb and self.at is not None and bool(told.size) and self.block is None)
            fits = fits and self.at in (None, int(logs[0]["blockNumber"], 16))
            spoilt = self.spoil(told) if fits else told
            if fits:
                self.block = int(logs[0]["blockNumber"], 16)
            out += [spoilt] if spoilt is not None else []
        return out


def skipped(_told: Told) -> None:
    """The event is not told at all."""


def unpaid(told: Told) -> Told:
    """One transfer is missing, or one loss."""
    if told.losses:
        return msgspec.structs.replace(told, losses=dict(list(told.losses.items())[1:]))
    tokens = [token for token in told.legs if told.size or not token.startswith(("UNI", "vUSDC"))]
    return msgspec.structs.replace(told, legs={t: n for t, n in told.legs.items() if t != tokens[-1]})


def doubled(told: Told) -> Told:
    """A transfer is told twice as large."""
    if told.losses:
        return msgspec.structs.replace(told, losses={t: 2 * n for t, n in told.losses.items()})
    return msgspec.structs.replace(told, legs={t: 2 * n for t, n in told.legs.items()})


@pytest.mark.parametrize(("venue", "verb"), [*QUICK, *(pytest.param(*one, marks=pytest.mark.long) for one in REST)])
def test_a_defect_of_a_reader_stops_the_statement(
    world: Portfolio, venue: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module(f"tidemill.venues.{KINDS[venue]}.history")
    right, client = module.told, world.clients[venue][ME]
    first = next(
        one.block
        for one in world.done
        for receipt in one.receipts
        for told in right(client, receipt.logs)
        if told.verb == verb and (told.legs or told.losses)
    )
    question = short(world, venue, first)
    # what a pair or a vault takes for a share is in its events alone: others may move it in the block
    for spoil in (skipped, unpaid) if venue in ("pair", "vault") else (skipped, unpaid, doubled):
        planted = Planted(right, verb, spoil)
        monkeypatch.setattr(module, "told", planted)
        with pytest.raises((BadData, InvariantBroken)) as raised:
            from_chain(world.rpc, question)
        assert planted.block == first, spoil
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "venue", ["pair", "market", *(pytest.param(v, marks=pytest.mark.long) for v in ("vault", "farm", "chef", "morpho"))]
)
def test_a_transaction_whose_logs_the_endpoint_leaves_out_is_missed(
    world: Portfolio, venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [one for one in world.done if one.who == ME and one.venue == venue and isinstance(one.status, Filled)]
    lost = own[len(own) // 2]
    gone, logs = lost.receipts[0].tx_hash, world.rpc.logs

    def forgetful(**query: Any) -> list[Mapping[str, Any]]:
        return [log for log in logs(**query) if log["transactionHash"] != gone]

    question = short(world, venue, lost.block + 1)
    monkeypatch.setattr(world.rpc, "logs", forgetful)
    with pytest.raises((BadData, InvariantBroken, RpcError)):
        from_chain(world.rpc, question)
