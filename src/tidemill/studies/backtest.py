"""Backtest: let a strategy meet a model world over recorded events, and state what was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tidemill import __version__, networks
from tidemill.engine.rules import Rules
from tidemill.engine.run import Outcomes, run
from tidemill.engine.world import ModelWorld
from tidemill.execution.ids import content_hash
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import Mark, Price, Recorded
from tidemill.ledger.families import PAID
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.networks.unpaid import unpaid
from tidemill.studies.costs import Costing
from tidemill.studies.costs_apart import Costings
from tidemill.studies.portfolio import COMMON_NAME, stream_rows
from tidemill.studies.prepare import Prepared
from tidemill.studies.reprice import Noted, Witness, keep_at_costs, keep_at_prices
from tidemill.studies.schema import Assumption, Fidelity, Proof, ResultDocument, StudyInfo, TokenInfo
from tidemill.studies.statement import Alternative, Facts, statement, with_streams
from tidemill.studies.strategy import Chosen, choose
from tidemill.studies.unrest import CALM, Unrest
from tidemill.units import format_amount
from tidemill.venues.kinds import kind

__all__ = ["Backtest", "Played"]

Scale = Mapping[str, tuple[int, int]]
HALF_AND_DOUBLE = ((1, 2), (2, 1))
CURVE_POINTS = 500
"""Sample marks per run; the report's curves need no more."""


class Played(Struct, frozen=True):
    """A finished run: what it left behind, and the assumed fee levels it used."""

    outcomes: Outcomes
    costing: Costings
    noted: Noted
    pairs: dict[frozenset[tuple[str, Price]], Any]
    """What the pools said when marks carried these prices; ``None`` where that is not one thing."""
    refusals: dict[tuple[str, str], str]
    """Why a quote was refused last, by venue and verb."""


class Backtest:
    """All runs of a study: its own, the same at half and double of each assumption, and what it is compared with."""

    def __init__(self, prepared: Prepared, progress: Callable[[str], None] | None = None) -> None:
        self.prepared, self.study = prepared, prepared.study
        self._tell = progress or (lambda _line: None)
        self.chosen = choose(prepared)

    def play(
        self,
        chosen: Chosen | None = None,
        network: str | None = None,
        scale: Scale | None = None,
        *,
        curves: bool = False,
        under: Unrest = CALM,
        gas: int = 0,
    ) -> Played:
        """Play the study once, with another strategy, another network's costs or scaled assumptions if given.

        ``under``: what a stress does to it. ``gas``: native wei on every network beyond
        what the study brings, where a run is only to tell what transactions cost.
        """
        prepared, chosen = self.prepared, chosen or self.chosen
        stages = {stage.id: stage for stage in prepared.stages()}
        funds = prepared.funds()
        if gas:
            funds |= {net.native: funds.get(net.native, 0) + gas for net in prepared.engine_networks()}
        spacing = max((prepared.end - prepared.start) // CURVE_POINTS, 1)
        rules = Rules(
            start=prepared.start,
            end=prepared.end,
            run=content_hash([self.study.digest, self.study.world.seed]),
            inclusion_delay=self.study.world.delay_blocks,
            placement=self.study.world.placement,
            sample_every=spacing if curves else None,
            adversary=under.sandwich_bps is not None,
            adversary_bps=under.sandwich_bps or 0,
            outages=under.outages,
        )
        pairs: dict[frozenset[tuple[str, Price]], Any] = {}

        def priced(world: ModelWorld | None = None) -> dict[str, Price]:
            now = prepared.pairs(stages)
            fallen = under.scale(max(block.time for block in world.at.values())) if world and under.falls else {}
            found = prepared.priced(now, {**(scale or {}), **fallen})
            if pairs.setdefault(key := frozenset(found.items()), now) != now:
                pairs[key] = None
            return found

        name = network or self.study.network
        own, theirs = prepared.token(prepared.native), prepared.token(networks.get(name).native_token)
        rate = None if own == theirs else lambda: (priced()[theirs], priced()[own])
        costing = Costings(prepared, Costing(prepared, name, scale, rate), scale)

        world = ModelWorld(
            prepared.engine_networks(),
            stages.values(),
            funds,
            rules,
            cost=costing,
            oracles=prepared.oracles(),
            prices=priced,
            rates=lambda _world: prepared.rates(stages),
            inflows=prepared.inflows,
            outside=prepared.outside(stages),
        )
        prepared.check_prices(stages, funds)
        witness, journal = Witness(world), MemoryJournal()
        outcomes = run(witness, chosen.strategy, run_id=rules.run, log=journal)
        natives = tuple(network.native for network in prepared.engine_networks())
        noted = Noted(outcomes, chosen.strategy, witness.seen, journal.decisions(rules.run), natives, costing.told)
        return Played(outcomes, costing, noted, pairs, world.refusals)

    def main_run(self) -> tuple[ResultDocument, Outcomes]:
        """Run the study itself and state it, without the runs beside it (half and double, comparisons)."""
        played = self.play(curves=True)
        return self._state(played, [], {}), played.outcomes

    def document(self) -> tuple[ResultDocument, Outcomes]:
        """Run everything the statement shows and assemble it."""
        self._tell("running the strategy …")
        played = self.play(curves=True)
        assumptions = self._assumptions(played)
        self._tell("stating …")
        return self._state(played, assumptions, self._alternatives()), played.outcomes

    def on_networks(self) -> list[ResultDocument]:
        """State the study as it is, and the same flow with the costs of each counterfactual network, a document each."""
        found = []
        for name in (self.study.network, *self.study.counterfactual):
            self._tell(f"costs as on {name} …")
            played = self.play(network=name)
            document = self._state(played, self._assumptions(played), {})
            told = msgspec.structs.replace(document.study, title=f"costs as on {name}", networks=[name])
            found.append(msgspec.structs.replace(document, study=told))
        return found

    def _state(
        self, played: Played, assumptions: list[Assumption], alternatives: dict[str, Callable[[], Alternative]]
    ) -> ResultDocument:
        facts = Facts(
            study=self._info(),
            tokens=self._tokens(played.outcomes),
            fidelity=self._fidelity(),
            home=self.prepared.home,
            exit=self.study.exit,
            tool_version=__version__,
            assumptions=assumptions,
            warnings=[*self._warnings(), *self._paid(played), *self._unsent(played)],
            priced=self._priced(),
            tick_price=self._tick_price(),
            data_fee=self._data_fee(played),
            alternatives=alternatives,
            words=self._words,
        )
        stated = statement(played.outcomes.record, played.outcomes.marks, facts)
        return with_streams(stated, stream_rows(played.outcomes))

    def _data_fee(self, played: Played) -> bool:
        """Tell whether every network that is paid charges for data apart from execution."""
        others = [name for name in self.prepared.networks if name != self.study.network]
        return played.costing.network.data_fee and all(networks.get(name).data_fee for name in others)

    # --- runs beside the main one -------------------------------------------------------------------------------------

    @staticmethod
    def keep(outcomes: Outcomes) -> int:
        """Return what a run kept, micro-units of home."""
        return waterfall(post(outcomes.record, outcomes.marks)).keep

    def keep_at(self, played: Played, scale: Scale) -> int:
        """Return what the run would have kept at scaled assumptions: by its notes where they tell, else played again."""
        found = self.keep_by_notes(played, scale)
        if found is not None:
            return found
        return self.keep(self.play(network=played.costing.network.name, scale=scale).outcomes)

    def keep_by_notes(self, played: Played, scale: Scale) -> int | None:
        """Return the same without playing, ``None`` where the run might have gone another way."""
        if all(key.startswith("price:") for key in scale):
            natives = {f"price:{played.costing.network.native_token}", f"price:{self.prepared.native}"}
            if played.costing.rate and natives & set(scale):
                return None  # costs were reckoned at that price

            def prices(mark: Mark) -> dict[str, Price] | None:
                pairs = played.pairs.get(frozenset(mark.prices.items()))
                return None if pairs is None else self.prepared.priced(pairs, scale)

            return keep_at_prices(played.outcomes, prices)
        if any(key.startswith("price:") for key in scale):
            return None
        own = Costing(self.prepared, played.costing.network.name, scale)
        costing = Costings(self.prepared, own, scale)
        return keep_at_costs(played.noted, lambda costs: played.costing.again(costs, costing))

    def _assumptions(self, played: Played) -> list[Assumption]:
        """List every assumed input that moved something, with what would be kept at half and double of it."""
        rows = []
        inputs = [(u.key, u.label, u.value, u.unit, u.source, u.as_of) for u in played.costing.used.values()]
        unused = self.prepared.foreign - {played.costing.network.native_token}
        for symbol, text in self.study.prices.items():
            if symbol in unused:
                continue
            label = f"price of {symbol}"
            inputs.append((f"price:{symbol}", label, text, self.study.home, "the study file", ""))
        for number, (key, label, value, unit, source, as_of) in enumerate(inputs, 1):
            self._tell(f"assumption {number} of {len(inputs)} at half and double …")
            half, double = (self.keep_at(played, {key: ratio}) for ratio in HALF_AND_DOUBLE)
            rows.append(Assumption(key, label, value, unit, source, as_of, half, double))
        return rows

    def _alternatives(self) -> dict[str, Callable[[], Alternative]]:
        found: dict[str, Callable[[], Alternative]] = {}
        for name in self.study.counterfactual:
            found[f"costs as on {name}"] = lambda name=name: Alternative(  # type: ignore[misc]
                self.keep(self.play(network=name).outcomes), "same flow and prices, fees by that network's formula"
            )
        for label, other in self.chosen.baselines:
            found[label] = lambda other=other: Alternative(self.keep(self.play(other).outcomes))  # type: ignore[misc]
        return found

    # --- what the statement prints ------------------------------------------------------------------------------------

    def _info(self) -> StudyInfo:
        study, prepared = self.study, self.prepared
        markets, paths = list(prepared.markets.values()), list(prepared.rates_paths.values())
        titles = [market.manifest.title for market in markets] + [path.title for path in paths]
        made_up = [market.manifest.synthetic for market in markets] + [path.synthetic for path in paths]
        return StudyInfo(
            title=study.title,
            subtitle="; ".join(titles),
            strategy=study.strategy,
            strategy_hash=self.chosen.digest,
            parameters={key: str(value) for key, value in sorted(self.chosen.parameters.items())},
            networks=list(prepared.networks),
            venues=sorted(study.venues),
            start=prepared.start,
            end=prepared.end,
            home=study.home,
            synthetic=not made_up or any(made_up),
            capital={
                token.removesuffix(f"@{study.network}"): amount for token, amount in sorted(prepared.funds().items())
            },
        )

    def _tokens(self, outcomes: Outcomes) -> list[TokenInfo]:
        seen = {token for mark in outcomes.marks for token in (*mark.balances, *mark.prices)}
        out = []
        for token in sorted(seen):
            symbol, _, network = token.partition("@")
            out.append(TokenInfo(token, symbol, self.prepared.decimals[symbol], network))
        return out

    def _fidelity(self) -> Fidelity:
        levels = ["exact", "inferred", "bars"]
        prepared, markets = self.prepared, self.prepared.markets.items()
        followed = {name: bars for name in prepared.rates_paths if (bars := kind(self.study.venues[name].kind).bars)}
        if not (markets or followed):
            return self._scripted()
        found = [market.manifest.fidelity for _, market in markets] + ["bars"] * len(followed)
        modes = sorted(
            {self.study.venues[name].mode for name, _ in markets} | {str(bars.mode) for bars in followed.values()}
        )
        errors = [market.dataset.replay.account.model_error for _, market in markets]
        errors += [bars.error for bars in followed.values()]
        return Fidelity(
            data=max(found, key=levels.index),  # type: ignore[arg-type]
            mode=modes[0],  # type: ignore[arg-type]
            proof=self._proof(),
            error="; ".join(error for error in errors if error) or "none: every amount of the flow reproduces",
            notes=[*self._told(), *(note for placed in prepared.placed.values() for note in placed.notes())],
        )

    def _told(self) -> list[str]:
        """What must be known of tables of rates and of what stands beside them."""
        paths = self.prepared.rates_paths
        notes = [f"{name}: {path.title}, {path.source or 'source not told'}" for name, path in paths.items()]
        notes += [f"{name}: {note}" for name, path in paths.items() for note in path.notes]
        scripted = [name for name in self.study.venues if name not in paths and name not in self.prepared.markets]
        if paths and scripted:
            notes.append(f"{', '.join(scripted)}: no recorded market; scripted by seed {self.study.world.seed}")
        return notes

    def _scripted(self) -> Fidelity:
        """No recorded market stands behind the study: nothing was replayed, so no replay error can be stated."""
        seed = self.study.world.seed
        return Fidelity(
            data="scripted",
            mode="n/a",
            proof=self._proof(),
            error=f"not measured: nothing recorded to compare with; the flow is scripted by seed {seed}",
            notes=[note for placed in self.prepared.placed.values() for note in placed.notes()],
        )

    def _proof(self) -> Proof:
        """Return the weakest proof among the study's venues."""
        order: list[Proof] = ["unproven", "rule-checked", "fork-equal", "bytecode-equal"]
        return min((kind(spec.kind).proof for spec in self.study.venues.values()), key=order.index)

    def _warnings(self) -> list[str]:
        paid = [*self._contributed(), *unpaid(self.prepared.decimals)]
        if self.prepared.markets or self.prepared.rates_paths:
            return paid
        return ["no recorded market: flow and yield are scripted from the study's parameters and its seed", *paid]

    def _contributed(self) -> list[str]:
        """Say what arrived during the study."""
        sums: dict[str, list[int]] = {}
        for inflow in self.prepared.inflows:
            sums.setdefault(inflow.token, []).append(inflow.amount)
        shown = {t: format_amount(sum(all_), self.prepared.decimals[t.partition("@")[0]]) for t, all_ in sums.items()}
        return [
            f"{len(all_)} contributions brought {shown[token]} {token.partition('@')[0]} during the study: capital, not "
            "income; per cent are of the most that was at work, per year of what was on average"
            for token, all_ in sums.items()
        ] + self._idle(sums)

    def _idle(self, arriving: Iterable[str]) -> list[str]:
        """Say what arrives in the common purse of a portfolio and is taken from there by no transfer."""
        if not self.study.streams:
            return []
        taken = {self.prepared.token(one.token) for one in self.study.transfers if one.source == COMMON_NAME}
        return [
            f"what arrives of {token.partition('@')[0]} lies idle in the common purse: no transfer takes it from there "
            f'([[transfers]] source = "{COMMON_NAME}")'
            for token in arriving
            if token not in taken
        ]

    def _paid(self, played: Played) -> list[str]:
        """Say who was paid how much: taken out by the owner, so that what is kept still counts it."""
        sums: dict[tuple[str, str], int] = {}
        for step in played.outcomes.record:
            for moved in step.transfers:
                if moved.target.startswith(PAID):
                    to = moved.target.removeprefix(PAID), moved.token
                    sums[to] = sums.get(to, 0) + moved.amount
        places = self.prepared.decimals
        return [
            f"paid to {name}: {format_amount(amount, places[token.partition('@')[0]])} {token.partition('@')[0]}, taken out "
            "by its owner and counted in what is kept"
            for (name, token), amount in sums.items()
        ]

    def _unsent(self, played: Played) -> list[str]:
        """Say what was never sent because its venue would have refused: a study that does nothing says why."""
        sent = {(step.venue, step.verb) for step in played.outcomes.record if isinstance(step, Recorded)}
        lines = []
        for (venue, verb), reason in sorted(played.refusals.items()):
            if (venue, verb) not in sent:
                told = f"{reason or 'no reason given'}{self._words(venue, reason)}"
                lines.append(f"{verb} at {venue} was never sent, for it would have been refused: {told}")
        return lines

    def _words(self, venue: str, reason: str) -> str:
        """Put words to a reason that is a code, or ends in one."""
        words = kind(self.study.venues[venue.partition("@")[0]].kind).reasons.get(reason.rpartition(" ")[2], "")
        return f" ({words})" if words else ""

    def _priced(self) -> str | None:
        for name, placed in self.prepared.placed.items():
            if placed.pair is not None and name in self.prepared.markets:
                pool = self.prepared.markets[name].pool
                symbols = [pool.token0.symbol, pool.token1.symbol]
                if self.study.home in symbols:
                    symbols.remove(self.study.home)
                    return self.prepared.token(symbols[0])
        return None

    def _tick_price(self) -> Callable[[str, int], float | None]:
        markets, home = self.prepared.markets, self.study.home

        def price(venue: str, tick: int) -> float | None:
            if venue not in markets:
                return None
            pool = markets[venue].pool
            raw = 1.0001**tick * 10.0 ** (pool.token0.decimals - pool.token1.decimals)
            if home == pool.token1.symbol:
                return raw
            return 1 / raw if home == pool.token0.symbol else None

        return price


def frames(document: ResultDocument) -> dict[str, Any]:
    """Return a document's tables as plain rows, by name."""
    return {
        "waterfall": document.waterfall,
        "costs": document.costs,
        "positions": document.positions,
        "comparisons": document.comparisons,
        "assumptions": document.assumptions,
    }
