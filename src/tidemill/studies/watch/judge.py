"""What of a look is worth telling: limits, and the rules that compare a look with them. Pure; nothing is read here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.venues.shared.signs import Sign

__all__ = ["BPS", "DOLLARS", "NOTHING", "Alert", "Claim", "Limits", "Look", "Peg", "judge", "parse_peg"]

BPS = 10_000
NOTHING = 10
"""Basis points a year that are as good as nothing."""
USD = "USD"
DOLLARS = ("USDC", "USDT", "DAI", "USDS", "USDE", "PYUSD", "FRAX", "LUSD", "GHO", "CRVUSD")
"""Tokens that are watched against the dollar without being asked, where an oracle prices them."""
_PEG = re.compile(r"([A-Za-z0-9.]{1,20})=([A-Za-z0-9.]{1,20}):(\d{1,2}(?:\.\d{1,2})?)%")


class Peg(Struct, frozen=True):
    """One ``token`` should be worth one ``quote`` (symbols), within ``bps``."""

    token: str
    quote: str
    bps: int


class Limits(Struct, frozen=True):
    """From where on something is told.

    ``health_bps``: a health factor below it. ``rate_bps``: a yearly rate below it, ``None``: one
    that has paid and pays nothing any more (below ``NOTHING``). ``claim_times``: what can be claimed is
    worth so many times what claiming costs. ``beyond_ticks``: the price is further out of a range than this. ``pegs``:
    beside the dollar tokens that oracles price, which are watched within ``dollar_bps``.
    """

    health_bps: int = 12_500
    rate_bps: int | None = None
    claim_times: int = 3
    beyond_ticks: int = 0
    pegs: tuple[Peg, ...] = ()
    dollar_bps: int = 100


class Claim(Struct, frozen=True):
    """What a position could be paid now, and what asking for it costs: wei of the native token, ``None`` unknown."""

    position: str
    worth: int | None
    cost: int | None
    words: str


class Look(Struct, frozen=True):
    """Everything seen at one block.

    ``prices`` are (token, quote) symbols → millionths of the quote for one token; ``standing`` are words on what has
    ended; ``positions`` names what is held.
    """

    block: int
    time: int
    positions: tuple[str, ...]
    signs: tuple[Sign, ...]
    claims: tuple[Claim, ...]
    prices: Mapping[tuple[str, str], int]
    standing: tuple[tuple[str, str], ...]


class Alert(Struct, frozen=True):
    """A condition that holds: ``rule`` and ``subject`` name it, ``words`` say what was seen."""

    rule: str
    subject: str
    words: str

    @property
    def key(self) -> str:
        """What the same condition is known by from look to look."""
        return f"{self.rule} {self.subject}"


def judge(look: Look, limits: Limits, paid: Collection[str] = ()) -> list[Alert]:
    """Return every condition that holds in a look; ``paid`` are subjects that have paid a rate before."""
    return [*_signs(look.signs, limits, paid), *_pegs(look, limits), *_claims(look, limits), *_standing(look)]


def _signs(signs: Sequence[Sign], limits: Limits, paid: Collection[str]) -> Iterator[Alert]:
    least = NOTHING if limits.rate_bps is None else limits.rate_bps
    for sign in signs:
        if sign.what == "range" and sign.value > limits.beyond_ticks:
            yield Alert("out of range", sign.subject, f"earns nothing: {sign.words}")
        elif sign.what == "health" and sign.value < limits.health_bps:
            yield Alert("health", sign.subject, f"{sign.words}, below {limits.health_bps / BPS:g}")
        elif sign.what == "rate" and sign.value < least and (limits.rate_bps is not None or sign.subject in paid):
            yield Alert("rate gone", sign.subject, f"pays {sign.words}, below {least / 100:g} %")
        elif sign.what == "closed" and sign.value:
            yield Alert("closed", sign.subject, f"the place is {sign.words}")


def _pegs(look: Look, limits: Limits) -> Iterator[Alert]:
    wanted = {(peg.token, peg.quote): peg.bps for peg in limits.pegs}
    for pair in look.prices:
        if pair[1] == USD and pair[0].upper() in DOLLARS:
            wanted.setdefault(pair, limits.dollar_bps)
    for (token, quote), bps in wanted.items():
        price = look.prices.get((token, quote))
        if price is not None and abs(price - 10**6) * BPS > bps * 10**6:
            yield Alert("depeg", f"{token}={quote}", f"one {token} is worth {price / 10**6:.4f} {quote}")


def _claims(look: Look, limits: Limits) -> Iterator[Alert]:
    for claim in look.claims:
        if claim.worth is not None and claim.cost and claim.worth > claim.cost * limits.claim_times:
            times = claim.worth // claim.cost
            yield Alert("claim", claim.position, f"{claim.words} to be claimed, {times:,} times what claiming costs")


def _standing(look: Look) -> Iterator[Alert]:
    for subject, words in look.standing:
        yield Alert("ended", subject, words)


def parse_peg(text: str) -> Peg:
    """Return the peg of ``USDC=USD:1%``; raises ``BadInput``."""
    known = _PEG.fullmatch(text.strip())
    if not known:
        raise BadInput(f"{text!r} is no peg; write TOKEN=QUOTE:PERCENT%, e.g. USDC=USD:1%", field="peg")
    whole, _, part = known[3].partition(".")
    bps = int(whole) * 100 + int(part.ljust(2, "0") or 0)
    if not 1 <= bps <= 5_000:
        raise BadInput(f"{text!r}: expected between 0.01 and 50 %", field="peg")
    return Peg(known[1], known[2], bps)
