"""Rehearse: the same strategy over the same window, on the model and on real contracts; then compare to the wei.

``locked`` keeps the order of actions: every account, token, position and state must be equal, fees of transactions
apart. ``live-like`` lets the chain mine by itself while others send: what is decided at a head is included when it is,
or fails. The books must equal the chain, and the tracking error is told by cause.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from tidemill import __version__
from tidemill.engine.run import Outcomes
from tidemill.errors import BadInput
from tidemill.execution.rows import Row
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.costs import in_native_up
from tidemill.studies.load import folder_name, write_together
from tidemill.studies.prepare import Prepared
from tidemill.studies.rehearsal.causes import Live, causes_of, fates_of, pace_of
from tidemill.studies.rehearsal.compare import balance_rows, fee_rows, mark_differences, state_rows, step_differences
from tidemill.studies.rehearsal.document import (
    BalanceRow,
    Covered,
    ModeRow,
    OwnTransaction,
    RehearsalDocument,
    Transactions,
    WindowInfo,
)
from tidemill.studies.rehearsal.sides import OnChain, OnModel, Sides
from tidemill.studies.rehearsal.window import Window, choose_window, narrowed, steps_done
from tidemill.studies.study import Study

__all__ = ["Comparison", "rehearse"]

Mode = Literal["locked", "live-like"]
Gas = Literal["model", "measured"]
MOST_SHOWN = 20


class Comparison:
    """A finished rehearsal.

    Attributes
    ----------
    document : the versioned result. model, chain : records and marks of both sides, as a backtest leaves them.
    """

    def __init__(self, study: Study, document: RehearsalDocument, model: Outcomes, chain: Outcomes) -> None:
        self.study, self.document, self.model, self.chain = study, document, model, chain

    @property
    def agrees(self) -> bool:
        """Whether everything that this mode promises holds."""
        return self.document.agrees

    def write(self, out: str | Path) -> Path:
        """Write rehearsal.json into the study's folder, whole or not at all, and return the folder."""
        folder = Path(out) / folder_name(self.study)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"cannot write to {folder} ({error.strerror})", field="out") from None
        content = msgspec.json.format(msgspec.json.encode(self.document), indent=2)
        write_together(folder, {"rehearsal.json": content})
        return folder


def rehearse(
    prepared: Prepared, *, mode: Mode = "locked", gas: Gas = "model", progress: Callable[[str], None] | None = None
) -> Comparison:
    """Rehearse a study.

    Parameters
    ----------
    gas : ``measured`` charges both sides what receipts and signed bytes of the chain say, so that the native token
        must be equal too; ``model`` leaves it out and compares fees verb by verb.

    Raises
    ------
    MissingArtefact : no anvil or contracts in the cache. BadInput : a venue or strategy that cannot be rehearsed.
    """
    for name, path in prepared.rates_paths.items():
        raise BadInput(
            f"{path.title}: no contract stands behind a table of rates, so nothing can be rehearsed; give the venue "
            "without dataset and fidelity to rehearse its contracts",
            file=prepared.study.path,
            field=f"venues.{name}.dataset",
        )
    if mode == "live-like" and len(prepared.networks) > 1:
        raise BadInput(
            f"live-like rehearses one network, this study has {len(prepared.networks)} "
            f"({', '.join(prepared.networks)}): chains that mine by themselves share no clock; leave --mode out",
            file=prepared.study.path,
            field="mode",
        )
    from tidemill.chain.artefacts import anvil_path  # noqa: PLC0415 - asked first: a long backtest would be for nothing

    anvil_path()
    tell = progress or (lambda _line: None)
    tell("running the study once to find where it decides …")
    whole = Backtest(prepared)
    window = choose_window(prepared, whole.play().outcomes)
    inside = narrowed(prepared, window)
    sides = Sides(inside, whole.chosen, window)
    tell("playing the window on the model …")
    model = sides.on_model(sides.rules())
    if mode == "locked":
        chain = sides.on_chain(sides.rules(), feed=gas == "measured", model=model, tell=tell)
        if gas == "measured":
            model = sides.on_model(sides.rules(), fed={row.name: row.measured for row in chain.metered})
        live: Live | None = None
    else:
        live = causes_of(sides, model, tell)
        chain = live.chain
    tell("playing the window in the study's own mode …")
    own = Backtest(inside).play().outcomes
    return _comparison(inside, sides, window, mode, gas, model, chain, own, live)


def _comparison(
    prepared: Prepared,
    sides: Sides,
    window: Window,
    mode: Mode,
    gas: Gas,
    model: OnModel,
    chain: OnChain,
    own: Outcomes,
    live: Live | None,
) -> Comparison:
    study = prepared.study
    locked = mode == "locked"
    measured = gas == "measured" or not locked  # live-like always pays what receipts say
    balances = balance_rows(model if locked else chain.as_told(), chain, natives=measured)
    state = state_rows(chain)
    steps, differences = step_differences(model.outcomes, chain.outcomes, costs=measured) if locked else (0, [])
    marks, more = mark_differences(model.outcomes.marks, chain.outcomes.marks, chain.native) if locked else (0, [])
    notes = [*chain.differences, *differences, *more]
    modes = _modes(model.outcomes, chain.outcomes, own, sides)
    equal_state = all(row.equal for row in state)
    books = chain.count == 0
    agrees = books and equal_state and not notes and all(row.difference == 0 for row in balances)
    agrees = agrees and chain.played.refused == chain.refused_by_model
    covered = Covered(window.actions, window.actions_of, window.own, window.own_of)
    played = chain.played
    document = RehearsalDocument(
        tool_version=__version__,
        title=study.title,
        strategy=study.strategy,
        network=study.network,
        networks=list(prepared.networks),
        home=study.home,
        mode=mode,
        gas="measured" if measured else "model",
        study_mode=modes[-1].name,
        window=WindowInfo(
            window.start,
            window.end,
            window.first.number,
            window.last.number,
            sum(seat.ranges for seat in sides.seats.values()),
            any(seat.made_up for seat in sides.seats.values()),
            [note for seat in sides.seats.values() for note in seat.notes()],
        ),
        covered=covered,
        decimals={prepared.token(symbol): places for symbol, places in sorted(prepared.decimals.items())},
        balances=balances,
        state=state,
        steps_compared=steps,
        marks_compared=marks,
        differences=notes[:MOST_SHOWN],
        transactions=Transactions(
            played.others, played.refused, chain.refused_by_model, played.own, played.own_failed, played.asked
        ),
        journal=[_journalled(network, row) for network, rows in chain.journal.items() for row in rows],
        fees=fee_rows(chain.metered),
        modes=modes,
        tracking_error=None if live is None else sum(row.value for row in live.causes),
        causes=[] if live is None else live.causes,
        pace=None if live is None else pace_of(live),
        fates=[] if live is None else fates_of(live.chain.outcomes),
        books_equal=books,
        agrees=agrees,
        verdict=_verdict(mode, agrees, covered, modes, study.home, balances, measured=measured),
    )
    return Comparison(study, document, model.outcomes, chain.outcomes)


def _modes(model: Outcomes, chain: Outcomes, own: Outcomes, sides: Sides) -> list[ModeRow]:
    named = [
        ("bytecode", chain, "the real contracts"),
        ("impact" if sides.prepared.markets else "exact model", model, "the exact model, with you in it"),
        (sides.own_mode, own, "the study's own mode, over the same window"),
    ]
    native = sides.prepared.token(sides.prepared.native)
    return [_mode(title, outcomes, note, native) for title, outcomes, note in named]


def _mode(name: str, outcomes: Outcomes, note: str, native: str) -> ModeRow:
    falls = waterfall(post(outcomes.record, outcomes.marks))
    income = sum(line.value for line in falls.lines if line.key in INCOME)
    ours, prices = outcomes.marks[-1].prices[native], outcomes.marks[-1].prices
    paid = [(step.costs, prices[step.native]) for step in steps_done(outcomes)]
    costs = sum((in_native_up(each, theirs, ours) if theirs != ours else each).total for each, theirs in paid)
    return ModeRow(name, falls.keep, income, costs, len(steps_done(outcomes)), note)


INCOME = frozenset({"fees", "growth", "interest", "rewards", "dilution", "takings", "carry", "fills"})
"""Rows of the waterfall that are earned."""


def _journalled(network: str, row: Row) -> OwnTransaction:
    return OwnTransaction(row.id, row.nonce, row.tx_hash or row.attempts[-1].hash, row.block_number, row.state, network)


def _verdict(
    mode: Mode,
    agrees: bool,
    covered: Covered,
    modes: list[ModeRow],
    home: str,
    balances: list[BalanceRow],
    *,
    measured: bool,
) -> str:
    """Say it in one sentence; never "0 wei" without the share covered and the gap to the headline's mode."""
    share = (
        f"{covered.actions:,} of the study's {covered.actions_of:,} recorded actions "
        f"({covered.actions_bps / 100:.2f} %) and {covered.own_steps} of its {covered.own_steps_of} own steps"
    )
    gap = modes[-1].keep - modes[0].keep
    apart = (
        f"the study's own mode ({modes[-1].name}) keeps {gap / 1e6:+,.6f} {home} beside the contracts over this window"
    )
    if mode == "live-like":
        state = "books equal the chain" if agrees else "books and chain DIFFER"
        return f"Live-like: {state}, over {share}; {apart}."
    if not agrees:
        return f"Model and contracts DIFFER, over {share}; {apart}."
    what = "the native token included" if measured else "transaction fees apart"
    return f"0 wei difference in {len(balances)} balances, {what}, over {share}; {apart}."
