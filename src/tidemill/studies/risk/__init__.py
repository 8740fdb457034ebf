"""An estimate of what a year may take, by cause, with every number's fact and source. See ``docs/risk.md``.

Light: importing it imports no numba, polars or web3.
"""

from tidemill.studies.risk.assessment import Assessment, assess, assess_all
from tidemill.studies.risk.estimates import Estimate, expected_loss_up

__all__ = ["Assessment", "Estimate", "assess", "assess_all", "expected_loss_up"]
