"""tidemill: what a Layer-2 income position really earns, net of everything.

>>> import tidemill
>>> result = tidemill.load("examples/range_reset.toml").run()  # doctest: +SKIP
>>> result.frame()  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidemill.studies.load import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``tidemill --version`` starts at once."""
    if name == "load":
        from tidemill.studies.load import load  # noqa: PLC0415

        return load
    raise AttributeError(f"module 'tidemill' has no attribute {name!r}")
