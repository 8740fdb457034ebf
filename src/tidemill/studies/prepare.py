"""From a study file to everything a world is made of: venues placed, blocks known, tokens and prices named."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from tidemill import networks
from tidemill.engine.blocks import Blocks, Network
from tidemill.engine.rng import stream
from tidemill.engine.rules import Inflow
from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Status
from tidemill.interfaces import Block, Price, Rate
from tidemill.ledger.prices import price_of_home, price_of_micro, price_of_sqrt_down
from tidemill.studies.market_data import MarketData, open_market, open_rates
from tidemill.studies.study import Study
from tidemill.units import parse_amount
from tidemill.venues.about import deployments
from tidemill.venues.kinds import Kind, Placed, Setup, kind
from tidemill.venues.shared.oracle import Oracle
from tidemill.wording import NAME, rfc3339

if TYPE_CHECKING:
    from tidemill.market.rates_path import RatesPath

__all__ = ["Prepared", "prepare"]

_CLOSED = (Status.ENDED, Status.WITHDRAW_ONLY, Status.INCIDENT)

NATIVE_DECIMALS = 18
MICRO = 6
DAY = 86_400
MOST = 10**15
"""Largest whole number that a venue's parameter may be where its kind does not say."""
MOST_WORTH = 10**12
"""Whole units of home that capital may be worth: postings are exported in micro-units of 64 bits, with room to grow."""
SLOWEST = 10
"""A transaction may take at most this part of the period to be included: leaving takes several, after the end."""


def prepare(study: Study, markets: Mapping[str, MarketData] | None = None) -> Prepared:
    """Place every venue of a study; ``markets`` stand in for the datasets that venues of these names would open.

    Raises
    ------
    BadInput : a name, token or period that does not fit; one line naming file and field.
    BadData : a dataset that is missing or broken.
    """
    return Prepared(study, markets)


def _clock(recorded: Mapping[str, Callable[[int], Block]], start: int, network: str) -> Callable[[int], Block]:
    """Return the first block at or after a time on a network: a recorded one's, else its even clock from the start."""
    if network in recorded:
        return recorded[network]
    return Blocks([Block(time=start, number=1)], networks.get(network).block_time * 1_000).first_from


class Prepared:
    """A study with its data loaded and its venues placed; worlds are made from it as often as needed."""

    def __init__(self, study: Study, markets: Mapping[str, MarketData] | None = None) -> None:
        self.study = study
        self.network = self._network(study.network, "network")
        self.networks = {study.network: self.network}
        for name, spec in study.venues.items():
            if spec.network:
                self.networks[spec.network] = self._network(spec.network, f"venues.{name}.network")
        for name in study.counterfactual:
            self._network(name, "counterfactual")
        for name, fees in study.fees.items():
            valid = self._network(name, f"fees.{name}").levels()
            for level in fees.own:
                if level not in valid:
                    here = f"fees.{name}.own.{level}"
                    raise UnknownName("fee level", level, valid, file=study.path, field=here)
        self.markets: dict[str, MarketData] = {}
        self.rates_paths: dict[str, RatesPath] = {}
        for name, spec in study.venues.items():
            found = self._named(lambda spec=spec: kind(spec.kind), f"venues.{name}.kind")
            if found.dataset:
                if spec.rates:
                    raise self._bad(f"venues.{name}.rates", f"{spec.kind} replays events and follows no table of rates")
                self.markets[name] = (markets or {}).get(name) or open_market(study, name, spec)
            elif spec.dataset != "sample" or spec.fidelity == "bars" or spec.rates:
                self.rates_paths[name] = open_rates(study, name, spec, found)
        self.start, self.end = self._period()
        for field, names in (("network", [study.network]), ("counterfactual", study.counterfactual)):
            for name in names:
                self._check_standing(name, field)
        for name, spec in study.venues.items():
            if spec.network:
                self._check_standing(spec.network, f"venues.{name}.network")
        self.blocks = self._blocks()
        self.decimals: dict[str, int] = dict(study.tokens)
        for market in self.markets.values():
            for token in (market.pool.token0, market.pool.token1):
                if self.decimals.setdefault(token.symbol, token.decimals) != token.decimals:
                    told = self.decimals[token.symbol]
                    raise self._bad(f"tokens.{token.symbol}", f"{told} decimals; the dataset says {token.decimals}")
        self.placed: dict[str, Placed] = {}
        for name in study.venues:
            self.placed[name] = self._place(name)
            self.decimals |= self.placed[name].tokens
            for further in self.placed[name].networks:
                self.networks.setdefault(further, networks.get(further))
        self._order()
        self.decimals.setdefault(self.native, NATIVE_DECIMALS)
        for further in self.networks:
            self.decimals.setdefault(self.networks[further].native_token, NATIVE_DECIMALS)
        paid_in = {networks.get(name).native_token for name in study.counterfactual}
        self.foreign = paid_in - set(self.decimals)
        """Symbols that only a counterfactual network's costs are paid in."""
        self.decimals |= dict.fromkeys(self.foreign, NATIVE_DECIMALS)
        self.inflows = self._inflows()
        if study.home not in self.decimals:
            raise self._bad(
                "home", f"{study.home} is no token of the study (it has {', '.join(sorted(self.decimals))})"
            )

    def told(self, study: Study) -> Prepared:
        """Return the same for a study that differs in parameters, streams, transfers or contributions alone.

        Nothing that was loaded or placed hangs on those. Raises ``BadInput`` for what cannot arrive.
        """
        other = copy.copy(self)
        other.study = study
        other.inflows = other._inflows()  # noqa: SLF001 - its own class
        return other

    # --- names --------------------------------------------------------------------------------------------------------

    @property
    def native(self) -> str:
        """Symbol of the token that pays gas."""
        return self.network.native_token

    @property
    def home(self) -> str:
        """Token id of the home asset."""
        return self.token(self.study.home)

    def token(self, symbol: str, network: str = "") -> str:
        """Return the id of a token of the study, on its own network unless said; ``SYMBOL@NETWORK`` says it too."""
        symbol, _, told = symbol.partition("@")
        return f"{symbol}@{network or told or self.study.network}"

    def network_of(self, venue: str) -> str:
        """Return where a venue, or the half of one that stands elsewhere (``VENUE@NETWORK``), stands."""
        name, _, beside = venue.partition("@")
        return beside or self.study.venues[name].network or self.study.network

    @cached_property
    def shares(self) -> frozenset[str]:
        """Symbols of receipt tokens."""
        return frozenset(symbol for placed in self.placed.values() for symbol in placed.shares)

    def funds(self) -> dict[str, int]:
        """Return the capital in raw units by token id.

        Raises ``BadInput`` for an unknown token or more decimals than the token has.
        """
        out = {}
        for key, text in self.study.capital.items():
            symbol, _, network = key.partition("@")
            if symbol not in self.decimals:
                raise UnknownName("token", symbol, self.decimals, file=self.study.path, field=f"capital.{key}")
            if network and network not in self.networks:
                raise UnknownName("network", network, self.networks, file=self.study.path, field=f"capital.{key}")
            if self.token(key) in out:
                raise self._bad(f"capital.{key}", "given twice, with and without its network")
            out[self.token(key)] = self.amount(text, self.decimals[symbol], f"capital.{key}")
        if not any(out.values()):
            raise self._bad("capital", "nothing: every amount is 0")
        for name, there in self.networks.items():
            native = there.native_token
            key = native if name == self.study.network else f"{native}@{name}"
            if not out.get(self.token(key)) and self.study.strategy != "hold":
                shown = key if key == native else f'"{key}"'
                raise self._bad(
                    f"capital.{key}", f'nothing to pay network fees with; give some, such as {shown} = "0.01"'
                )
        return out

    def _inflows(self) -> tuple[Inflow, ...]:
        """Return what arrives during the study, in order of time."""
        found = []
        for place, spec in enumerate(self.study.contributions):
            symbol, _, network = spec.token.partition("@")
            at = f"contributions.{place}"
            if symbol not in self.decimals:
                raise UnknownName("token", symbol, self.decimals, file=self.study.path, field=f"{at}.token")
            if network and network not in self.networks:
                raise UnknownName("network", network, self.networks, file=self.study.path, field=f"{at}.token")
            amount = self.amount(spec.amount, self.decimals[symbol], f"{at}.amount")
            if not amount:
                raise self._bad(f"{at}.amount", "nothing would arrive; give an amount")
            first, step = self.start + spec.first_day * DAY, spec.every_days * DAY
            if first >= self.end:
                raise self._bad(f"{at}.first_day", f"the study is over after {(self.end - self.start) // DAY} days")
            last = min(self.end, first + spec.times * step) if spec.times else self.end
            found += [Inflow(time, self.token(spec.token), amount) for time in range(first, last, step)]
        return tuple(sorted(found))

    # --- what a world asks --------------------------------------------------------------------------------------------

    def engine_network(self, name: str = "") -> Network:
        """Return a network of the study, its own unless said, as the engine needs it."""
        name = name or self.study.network
        native = self.token(self.networks[name].native_token, name)
        return Network(id=name, native=native, blocks=self.blocks if name == self.study.network else self._blocks(name))

    def engine_networks(self) -> list[Network]:
        """Return every network of the study."""
        return [self.engine_network(name) for name in self.networks]

    def prices(self, stages: Mapping[str, Any], scale: Mapping[str, tuple[int, int]] | None = None) -> dict[str, Price]:
        """Return the price of every token that one is known for, from the pools as they stand and stated assumptions.

        ``scale`` multiplies assumed prices by a ratio, for the report's half and double.
        """
        return self.priced(self.pairs(stages), scale)

    def pairs(self, stages: Mapping[str, Any]) -> tuple[tuple[str, str, int], ...]:
        """Return what the pools say now: token ids and square-root price of each."""
        return tuple(placed.pair(stages[name]) for name, placed in self.placed.items() if placed.pair)

    def priced(
        self, pairs: Sequence[tuple[str, str, int]], scale: Mapping[str, tuple[int, int]] | None = None
    ) -> dict[str, Price]:
        """Return prices as ``prices`` does, from what the pools said at some time.

        A symbol has one price on all networks of a study: that of the first pool, in the study's order, that tells it.
        """
        pairs = [(self._here(token0), self._here(token1), sqrt_price) for token0, token1, sqrt_price in pairs]
        known = {self.home: price_of_home(self.decimals[self.study.home])}
        for symbol, text in self.study.prices.items():
            if symbol not in self.decimals:
                raise UnknownName("token", symbol, self.decimals, file=self.study.path, field=f"prices.{symbol}")
            up, down = (scale or {}).get(f"price:{symbol}", (1, 1))
            micro = self.amount(text, MICRO, f"prices.{symbol}") * up // down
            known[self.token(symbol)] = price_of_micro(micro, self.decimals[symbol])
        for _ in pairs:
            for token0, token1, sqrt_price in pairs:
                if token0 in known and token1 not in known:
                    known[token1] = price_of_sqrt_down(sqrt_price, of_token0=False, quote=known[token0])
                elif token1 in known and token0 not in known:
                    known[token0] = price_of_sqrt_down(sqrt_price, of_token0=True, quote=known[token1])
        native, wrapped = self.token(self.native), self.token(f"W{self.native}")
        if wrapped in known:
            known.setdefault(native, known[wrapped])
        elif native in known and f"W{self.native}" in self.decimals:
            known[wrapped] = known[native]
        further = [name for name in self.networks if name != self.study.network]
        return known | {self.token(self._symbol(t), name): price for name in further for t, price in known.items()}

    @staticmethod
    def _symbol(token: str) -> str:
        return token.partition("@")[0]

    def _here(self, token: str) -> str:
        return self.token(self._symbol(token))

    @staticmethod
    def rates(stages: Mapping[str, Any]) -> dict[str, Rate]:
        """Return what every receipt token stands for now."""
        return {token: rate for stage in stages.values() for token, rate in stage.rates().items()}

    @staticmethod
    def outside(stages: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the accounts that stand for the rest of the world: every contract of every venue among them."""
        held = [getattr(stage, "accounts", (stage.account,)) for stage in stages.values()]
        return ("market", "zero", *(account for accounts in held for account in accounts))

    def stages(self) -> list[Any]:
        """Return fresh stages, in the study's order."""
        made = [placed.make() for placed in self.placed.values()]
        return [one for stage in made for one in (stage, *getattr(stage, "beside", ()))]

    def oracles(self) -> list[Oracle]:
        """Return the feeds that the venues read."""
        return [oracle for placed in self.placed.values() for oracle in placed.oracles]

    def check_prices(self, stages: Mapping[str, Any], funds: Mapping[str, int]) -> None:
        """Refuse a study in which something it needs has no price, or capital beyond the books; name token and fix."""
        if self.study.home in self.study.prices:
            raise self._bad(f"prices.{self.study.home}", "this is the home asset, in which prices are; leave it out")
        for placed, stage in ((self.placed[name], stages[name]) for name in self.placed):
            for symbol in (token.partition("@")[0] for token in (placed.pair(stage)[:2] if placed.pair else ())):
                if symbol in self.study.prices:
                    raise self._bad(f"prices.{symbol}", "a pool of the study prices this token; leave it out")
        known = self.prices(stages)
        told = {self.token(key): (key, text) for key, text in self.study.capital.items()}
        for token, amount in funds.items():
            price = known.get(token)
            if price is not None and amount * price.num > MOST_WORTH * 10**MICRO * price.den:
                raise self._bad(
                    f"capital.{told[token][0]}",
                    f"{told[token][1]} is worth more than {MOST_WORTH:,} {self.study.home}, the most that "
                    "the books hold; bring less",
                )
        for token in (*funds, self.token(self.native), *(self.token(s) for s in self.decimals)):
            symbol = token.partition("@")[0]
            if token not in known and symbol not in self.shares:
                raise self._bad(
                    f"prices.{symbol}", f"no pool of the study prices {symbol}; give its price in {self.study.home}"
                )

    # --- making -------------------------------------------------------------------------------------------------------

    def _check_standing(self, name: str, field: str) -> None:
        """Refuse a network that takes no new money when the study ends, has not begun when it starts, or has no prices.

        Who asks for another fork's formula asks what something would have cost there, so it need not have begun.
        """
        found, fees = self._network(name, field), self.study.fees.get(name)
        try:
            now = found.standing(self.end)
            found.standing(self.end if fees and fees.fork else self.start)
        except BadInput as error:
            if fees and fees.fork:
                return
            raise self._bad(field, f"{error.message}; the study starts at {rfc3339(self.start)}") from None
        if now.fact.status in _CLOSED:
            since = f" since {rfc3339(now.since)[:10]}" if now.since else ""
            word = "under an open incident" if now.fact.status is Status.INCIDENT else now.fact.status.value
            raise self._bad(
                field,
                f"{name} is {word}{since} ({now.fact.source}) and takes no new money; for money still there: "
                f"{now.fact.value}. End the study before that, or choose another network",
            )
        if found.family == "listed":
            raise self._bad(field, f"no fee formula is known for {name}; choose a network whose costs are known")

    def _check_open(self, name: str, found: Kind) -> None:
        """Refuse a kind of venue that has ended on its network before the study does: it takes no new money."""
        network = self.network_of(name)
        facts = deployments(found).get(network, {}).values()
        ended = [fact for fact in facts if fact.status in (Status.ENDED, Status.WITHDRAW_ONLY)]
        if ended and len(ended) == len(facts) and rfc3339(self.end) >= ended[0].as_of.isoformat():
            raise self._bad(
                f"venues.{name}.kind",
                f"{found.name} on {network} is {ended[0].status.value} (as of {ended[0].as_of}, "
                f"{ended[0].source}) and takes no new money; end the study before that, or choose another network",
            )

    def _place(self, name: str) -> Placed:
        spec = self.study.venues[name]
        found = kind(spec.kind)
        self._check_open(name, found)
        params: dict[str, int | str] = {}
        form = found.bars if name in self.rates_paths and found.bars else found
        known = form.params
        for key, (default, _) in known.items():
            if key in spec.params:
                params[key] = spec.params[key]
            elif default is None:
                raise self._bad(f"venues.{name}.params.{key}", f"missing; {known[key][1]}")
            else:
                params[key] = default
            if isinstance(default, int) and not isinstance(params[key], int):
                raise self._bad(f"venues.{name}.params.{key}", f"expected a whole number, got {params[key]!r}")
            low, high = form.limits.get(key, (0, MOST))
            if isinstance(params[key], int) and not low <= int(params[key]) <= high:
                raise self._bad(f"venues.{name}.params.{key}", f"{params[key]} is not between {low:,} and {high:,}")
            if known[key][1].startswith("symbol of") and not re.fullmatch(
                NAME if default is None else f"{NAME}|", str(params[key])
            ):
                raise self._bad(f"venues.{name}.params.{key}", f"expected the symbol of a token, got {params[key]!r}")
        for key in spec.params:
            if key not in known:
                raise UnknownName("parameter", key, known, file=self.study.path, field=f"venues.{name}.params.{key}")
        seed = self.study.world.seed  # not `self` in the closure: a cycle would keep the datasets of finished studies
        recorded = {at: self._blocks(at).first_from for at in {*map(self.network_of, self.markets), self.study.network}}
        clock = partial(_clock, recorded, self.start)
        setup = Setup(
            id=name,
            network=self.network_of(name),
            mode=spec.mode,
            params=params,
            decimals=self.decimals,
            market=self.markets.get(name) or self.rates_paths.get(name),
            random=lambda stem: stream(stem, name, seed),
            first_from=clock(self.network_of(name)),
            clock=clock,
            start=self.start,
            end=self.end,
            recorded=self.markets,
        )
        placed: Placed = self._named(lambda: form.place(setup), None)
        return placed

    def _order(self) -> None:
        """Put venues that act at others behind those: within a block everything plays in this order."""
        for name, placed in self.placed.items():
            for other in placed.reaches:
                if other not in self.placed or self.placed[other].reaches:
                    known = [one for one, there in self.placed.items() if not there.reaches]
                    raise UnknownName(
                        "venue", other, known, file=self.study.path, field=f"venues.{name}.params.markets"
                    )
        self.placed = dict(sorted(self.placed.items(), key=lambda item: bool(item[1].reaches)))

    def _period(self) -> tuple[int, int]:
        """Return the study's period: what it asks for, within what the data cover."""
        study = self.study
        spans = [market.span() for market in self.markets.values()]
        spans += [path.span() for path in self.rates_paths.values()]
        first, last = max((s[0] for s in spans), default=0), min((s[1] for s in spans), default=0)
        if not spans and not (study.start and study.end):
            raise self._bad("start", "no venue has a dataset, so the study must say start and end")
        start = int(study.start.timestamp()) if study.start else first
        end = int(study.end.timestamp()) if study.end else last
        if spans and first >= last:
            raise self._bad("venues", "the datasets do not overlap in time")
        for key, time in (("start", start), ("end", end)):
            if spans and not first <= time <= last:
                raise self._bad(
                    key, f"{rfc3339(time)} is outside the data, which run from {rfc3339(first)} to {rfc3339(last)}"
                )
        if start >= end:
            raise self._bad("end", f"{rfc3339(end)} is not after {rfc3339(start)}")
        self._check_delay(end - start)
        return start, end

    def _check_delay(self, period: int) -> None:
        """Refuse a delay that is out of proportion: exits are sent at the end and land that much later each."""
        blocks = self.study.world.delay_blocks
        pace = next((market.seconds_per_block for market in self.markets.values()), self.network.block_time)
        if blocks > 1 and blocks * pace * SLOWEST > period:
            raise self._bad(
                "world.delay_blocks",
                f"{blocks:,} blocks are {blocks * pace:,} s, over a {SLOWEST}th of the study's {period:,} s: leaving "
                f"would run past its end; at most {max(period // SLOWEST // pace, 1):,} here",
            )

    def _blocks(self, network: str = "") -> Blocks:
        """Use the recorded blocks of a network (the study's own unless said) where there are any, else its even clock."""
        network = network or self.study.network
        for name, market in self.markets.items():
            if self.network_of(name) == network:
                return Blocks(market.knots(), market.seconds_per_block * 1_000)
        return Blocks([Block(time=self.start, number=1)], self.networks[network].block_time * 1_000)

    def _network(self, name: str, field: str) -> networks.Network:
        found: networks.Network = self._named(lambda: networks.get(name), field)
        return found

    def amount(self, text: str, decimals: int, field: str) -> int:
        """Return a decimal number of the study in raw units; raises ``BadInput`` naming ``field``."""
        try:
            return parse_amount(text, decimals)
        except (BadInput, ValueError) as error:
            raise self._bad(field, str(error)) from None

    def _named(self, make: Any, field: str | None) -> Any:
        """Run ``make``; a name it does not know is reported with this study's file and field."""
        try:
            return make()
        except BadInput as error:
            if error.file:
                raise
            raise BadInput(error.message, file=self.study.path or None, field=field or error.field) from None

    def _bad(self, field: str, message: str) -> BadInput:
        return BadInput(message, file=self.study.path or None, field=field)
