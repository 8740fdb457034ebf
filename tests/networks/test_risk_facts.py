"""What can go wrong with networks: files in the vocabulary, unknown as unknown, and the table of 2024."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Status, parse_facts
from tidemill.networks import risk_facts

DAY = dt.date(2026, 11, 21)
FACT = 'as_of = 2026-08-04, source = "a page", confidence = "web", status = "live"'
TABLE = "networks/l2beat_projects_2024.parquet"
SAME = {
    "op-mainnet": "optimism", "mode": "mode", "arbitrum-one": "arbitrum", "arbitrum-nova": "nova", "scroll": "scroll",
    "zksync-era": "zksync2", "starknet": "starknet", "polygon-zkevm": "polygonzkevm", "zksync-lite": "zksync",
    "dydx-v3": "dydx", "immutable-x": "immutablex",
}  # fmt: skip
FIRST_TIER = (
    "op-mainnet", "base", "mode", "unichain", "arbitrum-one", "arbitrum-nova", "zksync-era", "polygon-pos", "starknet",
    "scroll", "linea",
)  # fmt: skip
READ_AGAIN = ("op-mainnet", "arbitrum-one", "scroll", "starknet")
"""Of these a later state of the same source is known; Base and Unichain are not in the table."""
WORDS = {
    "Self sequence": "self sequence", "Force via L1": "force via L1", "Enqueue via L1": "enqueue via L1",
    "No mechanism": "no mechanism", "Self propose": "self propose", "Use escape hatch": "escape hatch",
    "Cannot withdraw": "cannot withdraw", "Stage 0": "0", "Stage 1": "1", "NotApplicable": "none",
    "None": 0, "2d": 2 * 86_400, "7d": 7 * 86_400,
}  # fmt: skip


def test_every_file_is_in_the_vocabulary_and_names_its_source() -> None:
    assert len(risk_facts.names()) >= 21
    for name in risk_facts.names():
        risk = risk_facts.get(name)
        for fact in risk.facts.facts.values():
            assert fact.source and fact.as_of <= DAY
        for incident in risk.incidents(DAY):
            assert incident.fact.note, "an incident says what happened"


@pytest.mark.parametrize(("name", "theirs"), SAME.items())
def test_values_of_2024_are_those_of_the_table(name: str, theirs: str) -> None:
    import polars as pl

    from tidemill.market.data import data_root

    root = data_root()
    if root is None or not (Path(root) / TABLE).exists():
        pytest.skip(f"reference data not found: {TABLE} (set TIDEMILL_DATA)")
    (row,) = pl.read_parquet(Path(root) / TABLE).filter(pl.col("id") == theirs).to_dicts()
    risk, compared = risk_facts.get(name), 0
    for axis in ("stage", "sequencer_failure", "proposer_failure", "exit_window"):
        fact = risk.fact(axis)
        if fact is not None and "2024" in fact.source:
            assert fact.value == WORDS[row[axis]], axis
            compared += 1
    da = risk.fact("data_availability")
    assert da is not None and da.value == (
        "on chain" if row["data_availability"].startswith("On chain") else "external"
    )
    assert compared >= (0 if name in READ_AGAIN else 2)
    if name in READ_AGAIN:
        stage = risk.fact("stage")
        assert stage is not None and stage.as_of >= dt.date(2025, 10, 29)


@pytest.mark.parametrize("name", FIRST_TIER)
def test_of_a_network_of_the_first_tier_every_axis_is_known(name: str) -> None:
    """Stage, validation, data, exit window against upgrade delay, failures, forced exit, bridge: each has a dated fact."""
    risk = risk_facts.get(name)
    for axis in (*(axis.name for axis in risk_facts.AXES), "upgrade_delay", "forced_exit"):
        fact = risk.fact(axis)
        assert fact is not None and fact.source and fact.as_of <= DAY, axis
    assert networks.get(name).first_known is not None, "since when it has been there to fail"


def test_what_is_not_in_a_file_is_unknown() -> None:
    plasma = risk_facts.get("plasma")
    assert set(plasma.levels().values()) == {None}
    assert plasma.fact("stage") is None and plasma.launched() is None
    assert risk_facts.get("ethereum").levels() == {}  # the causes of a Layer 2 do not arise
    with pytest.raises(UnknownName, match="did you mean 'op-mainnet'"):
        risk_facts.get("op-mainet")


def test_a_network_without_a_file_is_all_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    risk_facts.get.cache_clear()
    monkeypatch.setattr(risk_facts, "names", tuple)
    name = networks.names()[0]
    assert risk_facts.get(name).facts.facts == {}
    risk_facts.get.cache_clear()


def test_levels_stand_from_best_to_worst() -> None:
    by_name = {axis.name: axis for axis in risk_facts.AXES}
    window = by_name["exit_window"]
    assert [window.level(days * 86_400) for days in (365, 30, 29, 7, 6, 1, 0)] == [0, 0, 1, 1, 2, 2, 3]
    assert window.level(-1) is None and window.level("7d") is None and window.level(True) is None
    assert [by_name["stage"].level(stage) for stage in ("2", "1", "0", "none", "3")] == [0, 1, 2, 3, None]
    for axis in risk_facts.AXES:
        assert 0 <= axis.typical < axis.count


def test_a_service_that_ended_has_its_day() -> None:
    services = [
        (name, what, day, fact.status)
        for name in risk_facts.names()
        for what, day, fact in risk_facts.get(name).sunsets()
    ]
    assert services == [("loopring", "defi_products", dt.date(2025, 7, 31), Status.ENDED)]


def test_incidents_are_known_from_their_day_on() -> None:
    liquid = risk_facts.get("liquid")
    assert [one.loss for one in liquid.incidents(dt.date(2026, 9, 5))] == [0]
    assert [one.loss for one in liquid.incidents(dt.date(2026, 9, 6))] == [0, None]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ('stage = { value = "3", FACT }', "facts.stage: '3': expected '2', '1', '0', 'none'"),
        ("exit_window = { value = -5, FACT }", "facts.exit_window: -5: expected whole seconds"),
        ('upgrade_delay = { value = "at once", FACT }', "facts.upgrade_delay: 'at once': expected whole seconds"),
        ('forced_exit = { value = "no", FACT }', "facts.forced_exit: 'no': expected true or false"),
        ('"sunset.pool" = { value = "soon", FACT }', "facts.sunset.pool: 'soon': expected a day such as 2026-05-04"),
        (
            'sunset = { value = "2026-05-04", FACT }',
            "facts.sunset: when the network itself ends stands in parameters/x.toml",
        ),
        ('launched = { value = "unknown", FACT }', "facts.launched: 'unknown': expected a day"),
        ("exit_windo = { value = 5, FACT }", "facts.exit_windo: unknown fact of risk; did you mean 'exit_window'?"),
    ],
)
def test_what_is_outside_the_vocabulary_is_named(facts: str, says: str) -> None:
    parsed = parse_facts('about = "x"\n[facts]\n' + facts.replace("FACT", FACT), "x.toml")
    with pytest.raises(BadInput) as caught:
        risk_facts.checked("x", parsed)
    assert says in str(caught.value) and "x.toml" in str(caught.value)


def test_a_note_of_law_is_read_by_jurisdiction() -> None:
    parsed = parse_facts(f'about = "x"\n[facts]\n"regulatory.EU" = {{ value = "a note", {FACT} }}\n', "x.toml")
    assert [(where, fact.value) for where, fact in risk_facts.checked("x", parsed).regulatory()] == [("EU", "a note")]
    line = f'about = "x"\n[timelines.stages]\n{FACT.replace(", ", chr(10))}\nentries = [{{ since = 1, value = 2 }}]\n'
    with pytest.raises(BadInput, match="unknown timeline"):
        risk_facts.checked("x", parse_facts(line, "x.toml"))
