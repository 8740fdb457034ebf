"""Who earns what on a network: its operators, its stakers, and those who are said to earn and do not."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tidemill.facts import Fact

__all__ = ["Role"]


class Role(Struct, frozen=True):
    """A way to earn from a network itself.

    ``pays`` tells where the money comes from: ``fees`` of users, ``inflation`` of the token (gross of dilution), a
    ``subsidy`` with an end, or ``nothing``. ``open`` says who may take it up. ``facts`` are behind each statement.
    """

    id: Literal["sequencer", "validator", "delegator", "prover", "relayer", "staker", "challenger", "bidder"]
    token: str
    pays: Literal["fees", "inflation", "subsidy", "nothing"]
    open: Literal["anyone", "permissioned", "nobody"]
    about: str
    facts: tuple[Fact, ...] = ()
