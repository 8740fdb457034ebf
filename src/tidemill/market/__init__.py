"""What happened: typed event, price and fee tables; ingestion, store, inference, generators."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidemill.market.checks import describe, verify
    from tidemill.market.data import data_file, data_root, missing_reason
    from tidemill.market.importing import import_bars, import_rawlogs
    from tidemill.market.manifest import Manifest, PoolInfo, Token
    from tidemill.market.store import Dataset, list_datasets, load_dataset, write_dataset

_WHERE = {
    "data": ("data_file", "data_root", "missing_reason"),
    "importing": ("import_bars", "import_rawlogs"),
    "manifest": ("Manifest", "PoolInfo", "Token"),
    "store": ("Dataset", "list_datasets", "load_dataset", "write_dataset"),
    "checks": ("describe", "verify"),
}

__all__ = [
    "Dataset",
    "Manifest",
    "PoolInfo",
    "Token",
    "data_file",
    "data_root",
    "describe",
    "import_bars",
    "import_rawlogs",
    "list_datasets",
    "load_dataset",
    "missing_reason",
    "verify",
    "write_dataset",
]


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line starts without Polars and numba."""
    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"tidemill.market.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
