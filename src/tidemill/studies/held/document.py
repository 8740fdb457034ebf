"""The statement of real positions: one result document for all of them together and one for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct, field

from tidemill import __version__
from tidemill.errors import BadInput, InvariantBroken, UnknownName
from tidemill.interfaces import Mark, Price
from tidemill.ledger.holdings import holdings
from tidemill.ledger.prices import Total, price_of_home, price_of_micro
from tidemill.ledger.timeline import Step
from tidemill.market.positions import Collected
from tidemill.studies.held.books import groups, record_and_marks
from tidemill.studies.held.prices import USD, price_of_usd, prices
from tidemill.studies.held.story import Story
from tidemill.studies.schema import Fidelity, ResultDocument, StudyInfo, TokenInfo
from tidemill.studies.statement import Facts, statement
from tidemill.venues.shared.history import Asset, Holding

__all__ = ["Open", "Portfolio", "Told", "Unstated", "state"]


class Told(Struct, frozen=True):
    """What a statement says beside its figures.

    ``fidelity`` is how true they are, ``warnings`` what is not counted, ``parameters`` what was asked; ``unknown`` says
    for rows of the waterfall (by key) that nothing shows, why.
    """

    title: str
    parameters: Mapping[str, str]
    venues: Sequence[str]
    fidelity: Fidelity
    warnings: Sequence[str] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    data_fee: bool = True


class Unstated(Struct, frozen=True):
    """A position that cannot be stated, and why."""

    position: str
    reason: str


class Open(Struct, frozen=True):
    """What is still held at the end: raw units by token id, and micro-units of home."""

    position: str
    principal: dict[str, int]
    claimable: dict[str, int]
    value: int


class Portfolio(Struct, frozen=True):
    """A finished statement.

    ``total`` is of all positions together, ``positions`` of each by id (several joined by ``+`` where one stands for
    another), empty where there is only one. From logs: ``unstated`` are those that logs do not determine, with the
    reason, and ``collects`` every collect of the period with what it should have been; ``total`` is ``None`` where nothing
    can be stated. ``record`` and ``marks`` are what all of it was made of.
    """

    total: ResultDocument | None
    positions: dict[str, ResultDocument]
    record: Sequence[Step] = ()
    marks: Sequence[Mark] = ()
    unstated: tuple[Unstated, ...] = ()
    collects: tuple[Collected, ...] = ()
    still_open: tuple[Open, ...] = ()


def state(
    story: Story,
    assets: Mapping[str, Asset],
    told: Told,
    *,
    home: str = "",
    given: Mapping[str, str] | None = None,
) -> Portfolio:
    """State a story.

    Parameters
    ----------
    assets : every token by id. home : symbol (or id) of the home asset; default: what the first quote is in.
    given : prices by symbol, in home, as decimal text, for tokens that no venue here prices.

    Raises ``BadInput`` where a token has no price, naming it, or the home asset is unknown.
    """
    asset = _home(story, assets, home)
    known = {asset.id: price_of_home(asset.decimals)} if asset.id != USD else {USD: price_of_usd()}
    by_symbol = {one.id.partition("@")[0]: one for one in assets.values()}
    for symbol, text in (given or {}).items():
        if symbol not in by_symbol:
            raise UnknownName("token", symbol, by_symbol, field="price")
        known[by_symbol[symbol].id] = _given(symbol, text, by_symbol[symbol])
    cache: dict[int, dict[str, Price]] = {}

    def priced(holding: Holding) -> dict[str, Price]:
        if id(holding.quotes) not in cache:  # states of a story live as long as it does
            cache[id(holding.quotes)] = prices(holding.quotes, known, story.native)
        return cache[id(holding.quotes)]

    parts = groups(story)
    together = record_and_marks(story, priced, parts=parts)
    _check_priced(together[1], asset)
    facts = _facts(story, assets, told, asset)
    total = _stated(together, facts, told.title)
    each = {}
    if len(parts) > 1:
        for part in parts:
            name = "+".join(sorted(part))
            each[name] = _stated(record_and_marks(story, priced, parts=parts, only=part), facts, name)
    return Portfolio(total, each, *together, still_open=_open(together[1][-1]))


def _check_priced(marks: Sequence[Mark], home: Asset) -> None:
    for mark in marks:
        for token, amount in holdings(mark).valued().items():
            if amount and token not in mark.prices:
                symbol = token.partition("@")[0]
                raise BadInput(
                    f"no venue read here prices {symbol} at second {mark.time}; give --price {symbol}=… in "
                    f"{home.id.partition('@')[0]}, or name the venue that issues or quotes it with --at",
                    field="price",
                )


def _open(mark: Mark) -> tuple[Open, ...]:
    out = []
    for name, claim in holdings(mark).claims.items():
        value = Total()
        for side in (claim.principal, claim.pending):
            for token, amount in side.items():
                if token not in mark.rates:
                    value.add(amount, mark.prices[token])
        out.append(Open(name, dict(claim.principal), dict(claim.pending), value.down()))
    return tuple(out)


def _stated(books: tuple[list[Step], list[Mark]], facts: Callable[[str], Facts], title: str) -> ResultDocument:
    record, marks = books
    try:
        return statement(record, marks, facts(title))
    except InvariantBroken as broken:
        raise InvariantBroken(f"{title}: what was read does not add up: {broken}") from broken


def _facts(story: Story, assets: Mapping[str, Asset], told: Told, home: Asset) -> Callable[[str], Facts]:
    tokens = [TokenInfo(a.id, a.id.partition("@")[0], a.decimals, story.network) for a in assets.values()]
    symbol = home.id.partition("@")[0]

    def make(title: str) -> Facts:
        info = StudyInfo(
            title=title,
            subtitle="",
            strategy="real positions",
            strategy_hash="",
            parameters=dict(told.parameters),
            networks=[story.network],
            venues=list(told.venues),
            start=story.start.at.time,
            end=story.end.at.time,
            home=symbol,
            synthetic=False,
            capital={},
        )
        return Facts(
            study=info,
            tokens=tokens,
            fidelity=told.fidelity,
            home=home.id,
            exit="mark",
            kind="statement",
            tool_version=__version__,
            warnings=list(told.warnings),
            data_fee=told.data_fee,
            unknown=told.unknown,
        )

    return make


def _home(story: Story, assets: Mapping[str, Asset], home: str) -> Asset:
    if home == USD:
        return Asset(USD, "", 8)
    if home:
        for asset in assets.values():
            if home in (asset.id, asset.id.partition("@")[0]):
                return asset
        raise UnknownName("token", home, [a.partition("@")[0] for a in assets], field="home")
    for holding in story.holdings():
        for quote in holding.quotes:
            if quote.quote in assets:
                return assets[quote.quote]
    raise BadInput("no venue here quotes a price; name the asset to count in with --home", field="home")


def _given(symbol: str, text: str, asset: Asset) -> Price:
    try:
        micro = int(Decimal(text).scaleb(6))
    except (ArithmeticError, ValueError):
        raise BadInput(f"{text!r} is no price; give a decimal number", field=f"price.{symbol}") from None
    return price_of_micro(micro, asset.decimals)
