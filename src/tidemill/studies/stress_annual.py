"""What no drawn price shows: the expected loss of a year to hacks, issuers and networks, out of the risk room."""

from __future__ import annotations

import datetime as dt

from tidemill.errors import BadInput
from tidemill.studies.risk import expected_loss_up
from tidemill.studies.risk.assessment import assess_study
from tidemill.studies.stress_document import BPS, Annual
from tidemill.studies.study import Study

__all__ = ["annual"]


def annual(study: Study, end: int, capital: int) -> Annual | None:
    """Return what a year may take of ``capital`` (micro-units of home) beside the price, as known on the day ``end``.

    Factors that several parts of a study rest on (a network, an issuer, a protocol) are one each: their losses come together.
    ``None`` where nothing is known of the study's network.
    """
    try:
        found = assess_study(study, dt.datetime.fromtimestamp(end, dt.UTC).date())
    except BadInput:
        return None
    return Annual(
        low=expected_loss_up(capital, found.loss.low),
        usual=expected_loss_up(capital, found.loss.usual),
        high=expected_loss_up(capital, found.loss.high),
        chance_bps=None if found.chance is None else round(found.chance * BPS),
        grade=found.capped,
        causes={cause: expected_loss_up(capital, one.usual) for cause, one in found.causes.items() if one.usual > 0},
        factors=[shock.factor for shock in found.shocks],
    )
