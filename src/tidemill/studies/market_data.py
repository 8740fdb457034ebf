"""The dataset behind a venue of a study: found, loaded or imported, and replayed once."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tidemill.errors import BadData, BadInput
from tidemill.interfaces import Block
from tidemill.market import PoolInfo, Token, data_root, import_rawlogs, load_dataset
from tidemill.market.manifest import check_pool
from tidemill.studies.study import PoolSpec, RatesSpec, Study, VenueSpec
from tidemill.venues.kinds import Kind, kind, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tidemill.market import Dataset
    from tidemill.market.own_swaps import PathLiquidity
    from tidemill.market.rates_path import RatesPath
    from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["MarketData", "open_market", "open_rates"]


def open_market(study: Study, name: str, spec: VenueSpec) -> MarketData:
    """Open the dataset of venue ``name``.

    ``sample`` is the embedded synthetic market; a folder is a dataset; a Parquet or CSV file holds raw logs and needs
    ``[venues.NAME.pool]`` to say of which pool. Relative paths start at the study file, then at ``TIDEMILL_DATA``.

    Raises
    ------
    BadInput : nothing is there, or the pool is not described.
    BadData : what is there is broken.
    """
    if spec.dataset == "sample":
        from tidemill.market.sample import sample_dataset  # noqa: PLC0415 - generates on first use

        return MarketData(_at_fidelity(sample_dataset(), study, name, spec))
    path = _find(study, name, spec.dataset)
    if path.is_dir():
        return MarketData(_at_fidelity(load_dataset(path), study, name, spec))
    if spec.pool is None:
        raise BadInput(
            f"{path.name} holds raw logs; say of which pool under [venues.{name}.pool], or import it first",
            file=study.path,
            field=f"venues.{name}.pool",
        )
    try:
        pool = check_pool(pool_info(spec.pool))
    except BadInput as error:
        raise BadInput(error.message, file=study.path, field=f"venues.{name}.pool.{error.field}") from None
    return MarketData(_at_fidelity(import_rawlogs(path, pool), study, name, spec))


def open_rates(study: Study, name: str, spec: VenueSpec, found: Kind) -> RatesPath:
    """Open the table of rates that venue ``name`` follows.

    Raises
    ------
    BadInput : the kind follows no table, the study asks for more than a table gives, or its choice of rows does not fit.
    BadData : what is there is broken, or does not have what the kind follows.
    """
    from tidemill.market.rates import read_rates  # noqa: PLC0415 - heavy by polars
    from tidemill.market.rates_path import rates_path  # noqa: PLC0415

    def bad(field: str, message: str) -> BadInput:
        return BadInput(message, file=study.path, field=f"venues.{name}.{field}")

    if found.bars is None:
        able = ", ".join(one for one in kinds() if kind(one).bars)
        raise bad("dataset", f"{found.name} follows no table of rates; these do: {able}")
    if spec.dataset == "sample":
        raise bad("dataset", "fidelity 'bars' needs a table of rates here: a CSV or Parquet file")
    if spec.fidelity not in ("auto", "bars"):
        raise bad("fidelity", f"a table of rates does not support {spec.fidelity!r}; write 'bars', or 'auto'")
    if spec.mode not in ("diluted", found.bars.mode):
        raise bad(
            "mode",
            f"{spec.mode!r} needs the venue's own flow; over a table of rates {found.name} is '{found.bars.mode}'",
        )
    rows = spec.rates or RatesSpec()
    table = read_rates(_find(study, name, spec.dataset))
    try:
        return rates_path(
            table,
            found.family,
            network=rows.network,
            asset=rows.asset,
            protocol_fee=bool(spec.params.get("protocol_fee")),
        )
    except BadInput as error:
        raise bad(f"rates.{error.field}", error.message) from None


def _at_fidelity(dataset: Dataset, study: Study, name: str, spec: VenueSpec) -> Dataset:
    """Return the dataset at the fidelity that the study asks for: its own, or a lesser one made of it."""
    own, wanted = dataset.manifest.fidelity, spec.fidelity
    if wanted in ("auto", own):
        return dataset
    if own == "bars" or wanted == "exact":
        lesser = f"'{own}' or 'bars'" if own == "inferred" else f"'{own}'"
        raise BadInput(
            f"the data are {own} and do not support {wanted!r}; write {lesser}, or 'auto'",
            file=study.path,
            field=f"venues.{name}.fidelity",
        )
    if wanted == "bars":
        from tidemill.market.bars import to_bars  # noqa: PLC0415 - heavy by numba

        return to_bars(dataset)
    from tidemill.market.store import Dataset  # noqa: PLC0415 - heavy by polars

    # no state goes along; the folder does, so that the replay is kept there beside the other fidelity's
    return Dataset(msgspec.structs.replace(dataset.manifest, fidelity=wanted), dataset.tables, folder=dataset.folder)


def pool_info(spec: PoolSpec) -> PoolInfo:
    """Return a study's description of a pool as the market room has it."""
    return PoolInfo(
        spec.chain_id,
        spec.network,
        spec.address.lower(),
        Token(spec.token0, spec.decimals0),
        Token(spec.token1, spec.decimals1),
        spec.fee,
        spec.tick_spacing,
        spec.fee_protocol0,
        spec.fee_protocol1,
    )


def _find(study: Study, name: str, text: str) -> Path:
    from pathlib import Path  # noqa: PLC0415 - beside its use

    root = data_root()
    tried = [Path(text)] if Path(text).is_absolute() else [study.folder / text, *([root / text] if root else [])]
    try:
        for path in tried:
            if path.exists():
                return path
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"{text[:40]!r}… is no path: {reason}", file=study.path, field=f"venues.{name}.dataset"
        ) from None
    where = " or ".join(str(path) for path in tried)
    told = os.environ.get("TIDEMILL_DATA")
    hint = "; set TIDEMILL_DATA to a folder of market data"
    if root:
        hint = ""
    elif told:
        hint = f"; TIDEMILL_DATA={told} is not a folder"
    raise BadInput(f"no dataset at {where}{hint}", file=study.path, field=f"venues.{name}.dataset")


class MarketData:
    """A dataset with its replay, as venues and costs ask for it."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.manifest, self.pool = dataset.manifest, dataset.pool
        if len(self.tape().time) < 2:
            raise BadData(f"{self.manifest.title}: fewer than two recorded swaps; there is no path to replay")

    def tape(self) -> Tape:
        """Return the steps of the recorded path."""
        return self.dataset.tape()

    def flow(self) -> Flow:
        """Return the recorded events."""
        return self.dataset.flow()

    def initial_state(self) -> Any:
        """Return the pool's state before the first event, ``None`` where it is not known."""
        return self.dataset.initial_state()

    def path_liquidity(self) -> PathLiquidity:
        """Return the liquidity along the path, as events up to each point show it."""
        from tidemill.market.own_swaps import PathLiquidity  # noqa: PLC0415 - numpy-heavy

        return PathLiquidity.of(self.dataset)

    def span(self) -> tuple[int, int]:
        """Return first and last time of the path, seconds; before its first step there is no price."""
        time = self.tape().time
        return int(time[0]), int(time[-1])

    def knots(self) -> list[Block]:
        """Return the recorded blocks, those left out that lie on a line between their neighbours.

        Bars carry no block numbers: theirs are counted evenly from the epoch, so one knot says all.
        """
        if self.manifest.fidelity == "bars":
            origin = int(self.tape().block[0])
            return [Block(time=origin * self.seconds_per_block, number=origin)]
        number, first = np.unique(self.tape().block, return_index=True)
        time = self.tape().time[first]
        keep = np.ones(len(number), dtype=bool)
        step_n, step_t = np.diff(number), np.diff(time)
        keep[1:-1] = step_t[:-1] * step_n[1:] != step_t[1:] * step_n[:-1]
        return [Block(time=int(t), number=int(n)) for n, t in zip(number[keep], time[keep], strict=True)]

    @property
    def seconds_per_block(self) -> int:
        """Seconds from block to block where the data say nothing, as the market room counts them."""
        return 12 if self.pool.chain_id == 1 else 2

    @cached_property
    def fees(self) -> Any:
        """Columns of known block fees as arrays by name (block, base_fee, l1_base_fee, blob_base_fee), or ``None``."""
        table = self.dataset.blocks
        if table is None:
            return None
        return {name: table[name].to_numpy() for name in table.columns}
