"""A table of rates out of an exact venue: what somebody would have written down who looked every hour, or every day."""

from __future__ import annotations

from tidemill.errors import BadInput, UnknownName
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.study import Study
from tidemill.venues.kinds import kind
from tidemill.wording import rfc3339

__all__ = ["sample_rates"]


def sample_rates(study: Study, venue: str, seconds: int, prepared: Prepared | None = None) -> str:
    """Play what others do at a venue of a study, and write its figures down every so many seconds, as a CSV.

    The figures are the venue's without you. The table says of itself that it is synthetic, and where it comes from.
    ``prepared`` is the study's own, where it is at hand.

    Raises
    ------
    BadInput : the study has no such venue, or its kind follows no table.
    """
    if venue not in study.venues:
        raise UnknownName("venue", venue, study.venues, field="venue")
    if seconds < 1:
        raise BadInput(f"{seconds} seconds; look once a second or less often", field="seconds")
    found = kind(study.venues[venue].kind)
    if found.bars is None:
        raise BadInput(f"{found.name} follows no table of rates", field="venue")
    prepared = prepared or prepare(study)
    decimals = {prepared.token(symbol): places for symbol, places in prepared.decimals.items()}
    stage = prepared.placed[venue].make()
    lines: list[str] = []
    for time in (*range(prepared.start, prepared.end, seconds), prepared.end):
        stage.advance(prepared.blocks.last_until(time) if lines else prepared.blocks.first_from(time))
        cells = {"time": rfc3339(time), **found.bars.sample(stage, time, decimals)}
        if not lines:
            lines.append(",".join(cells))
        lines.append(",".join(cells.values()))
    head = (
        f"# source: tidemill, {found.name} scripted by seed {study.world.seed}, every {seconds} s\n# synthetic: true\n"
    )
    return head + "\n".join(lines) + "\n"
