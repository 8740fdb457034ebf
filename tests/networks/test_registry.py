"""Our dated parameters against the superchain registry's snapshot, where that file is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill import networks

FILE = "networks/superchain_registry_202608.parquet"
FORKS = ("canyon", "delta", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian", "karst")


def snapshot() -> dict[str, dict[str, str | None]]:
    import polars as pl

    from tidemill.market.data import data_root

    root = data_root()
    path = None if root is None else Path(root) / FILE
    if path is None or not path.exists():
        pytest.skip(f"reference data not found: {FILE} (set TIDEMILL_DATA)")
    return {row["file"]: row for row in pl.read_parquet(path).iter_rows(named=True)}


@pytest.mark.parametrize(("name", "file"), [("op-mainnet", "op"), ("unichain", "unichain"), ("mode", "mode")])
def test_parameters_equal_the_registry(name: str, file: str) -> None:
    row = snapshot()[f"mainnet_{file}.toml"]
    chain = networks.get(name)
    assert chain.chain_id == int(row["chain_id"] or 0)
    assert chain.block_time == int(row["block_time"] or 0)
    assert chain.facts.integer("seq_window_size") == int(row["seq_window_size"] or 0)
    assert row["gas_paying_token"] is None
    assert chain.native_token == "ETH"
    line = chain.facts.timeline("fork")
    ours = {entry.fact.value: entry.since for entry in line.entries}
    genesis = line.entries[0].since
    checked = 0
    for fork in FORKS:
        time = row[f"hardfork_{fork}_time"]
        if time is not None and int(time) > genesis:
            assert ours[fork] == int(time), fork
            checked += 1
    assert checked == len(ours) - 1
    elasticity = chain.facts.timeline("eip1559_elasticity").at(genesis)
    canyon = chain.facts.timeline("eip1559_denominator").at(ours.get("canyon", genesis))
    assert (elasticity, canyon) == (
        int(row["optimism_eip1559_elasticity"] or 0),
        int(row["optimism_eip1559_denominator_canyon"] or 0),
    )
