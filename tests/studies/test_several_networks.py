"""Studies over several networks: each venue on its own, costs by its network's formula, one price on all, staged moves."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import tidemill
from kit import changed, write_study
from tidemill.app.statement import print_statement
from tidemill.errors import BadInput
from tidemill.ledger.waterfall import Line
from tidemill.studies.load import Result
from tidemill.studies.statement import cost_label
from tidemill.studies.stress import stress

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "withdraw_and_lend.toml"
STUDY: dict[str, Any] = tomllib.loads(EXAMPLE.read_text())
STUDY |= {key: str(STUDY[key]) for key in ("start", "end")}


def shortened(**changes: Any) -> dict[str, Any]:
    study = changed("venues.aave.params.flow_every_hours", 240, STUDY)
    return {key: value for key, value in (study | changes).items() if value is not None}


def written(folder: Path, study: dict[str, Any]) -> Path:
    times = {key: study.pop(key) for key in ("start", "end")}
    path = write_study(folder, study)
    dates = "".join(f"{key} = {value.replace(' ', 'T')}\n" for key, value in times.items())
    path.write_text(dates + path.read_text())
    return path


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("study")
    return tidemill.load(
        written(folder, shortened(counterfactual=["base"], fees=STUDY["fees"] | {"base": STUDY["fees"]["op-mainnet"]}))
    ).run()


def test_a_stress_calls_its_rows_as_the_statement_does(result: Result, tmp_path: Path):
    found = stress(written(tmp_path, shortened(counterfactual=None)), worlds=2, jobs=1)
    labels = {row.key: row.label for row in result.document.waterfall}
    causes = {cause.key: cause.label for cause in found.document.causes}
    assert causes["l2"] == labels["l2"]
    assert all(labels[key] == label for key, label in causes.items() if key in labels)


def test_every_step_is_paid_on_its_own_network(result: Result):
    costs = {(row.venue, row.verb): row for row in result.document.costs}
    assert costs.keys() == {
        ("exit", "send"),
        ("exit@ethereum", "prove"),
        ("exit@ethereum", "finalize"),
        ("aave", "supply"),
        ("aave", "withdraw"),
    }
    assert costs["exit", "send"].l1_data > 0  # a rollup's transaction
    for (venue, _), row in costs.items():
        if venue != "exit":
            assert row.l1_data == 0
            assert row.l2_execution == row.gas_used * 51 * 10**8  # 5.1 gwei on Ethereum


def test_the_statement_shows_the_time_in_flight(result: Result):
    rows = {row.key: row for row in result.document.waterfall}
    assert rows["bridge"].value == 0
    assert rows["interest"].value > 0
    assert any("20000.000000 USDC on its way to ethereum for 7.0 days" in line for line in result.document.warnings)
    assert result.document.study.networks == ["op-mainnet", "ethereum"]
    assert result.document.study.capital == {"USDC": 20_000 * 10**6, "ETH": 10**16, "ETH@ethereum": 5 * 10**16}
    flight = next(row for row in result.document.positions if row.venue == "exit@ethereum")
    assert flight.closed is not None
    lent = next(row for row in result.document.positions if row.venue == "aave")
    assert lent.opened - flight.opened > 7 * 86_400
    assert lent.opened >= flight.closed


def test_levels_of_both_networks_are_assumptions_at_half_and_double(result: Result):
    rows = {row.key: row for row in result.document.assumptions}
    assert {"op-mainnet:base_fee", "ethereum:base_fee", "price:ETH"} <= rows.keys()
    keep = result.document.headline.keep
    row = rows["ethereum:base_fee"]
    assert row.keep_at_half > keep > row.keep_at_double


def test_another_networks_costs_change_the_studys_own_network_alone(result: Result):
    (other,) = [row for row in result.document.comparisons if row.name == "costs as on base"]
    assert other.keep is not None
    own = sum(row.value for row in result.document.costs if row.venue == "exit")
    assert abs(other.keep - result.document.headline.keep) <= own


def test_without_gas_on_the_other_network_it_is_refused_before_the_money_is_stuck(tmp_path: Path):
    capital = {key: value for key, value in STUDY["capital"].items() if key != "ETH@ethereum"}
    with pytest.raises(BadInput, match=r"capital\.ETH@ethereum: nothing to pay network fees with") as caught:
        tidemill.load(written(tmp_path, shortened(capital=capital))).run()
    assert '"ETH@ethereum" = "0.01"' in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("venues.aave.network", "etherum", "venues.aave.network: unknown network 'etherum'; did you mean 'ethereum'"),
        ("venues.exit.params.to", "etherum", "venues.exit.params.to: unknown network 'etherum'"),
        ("venues.exit.params.to", "op-mainnet", "venues.exit.params.to: op-mainnet is where the bridge begins"),
        (
            "network",
            "arbitrum-one",
            "venues.exit.kind: arbitrum-one has no OP Stack bridge to ethereum (its own goes by initiate, confirm, execute)",
        ),
        ("venues.exit.params.to", "base", "op-mainnet has no OP Stack bridge to base (none of its own leads to base)"),
        ("venues.exit.params.token", "ETH", "venues.exit.params.token: ETH pays for gas"),
        ("venues.exit.params.token", "DAI", "decimals of DAI are not known"),
        ("venues.exit.params.maturity_seconds", -1, "venues.exit.params.maturity_seconds: -1 is not between"),
        ("parameters.asset", "USDC@base", "parameters.asset: unknown token 'USDC@base'"),
        ("fees.ethereum.base_fee_gwei", None, "fees.ethereum.base_fee_gwei"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: Any, says: str, tmp_path: Path):
    study = changed(path, value, STUDY)
    if path.endswith("token"):
        study["tokens"] |= {"ETH": 18}
    with pytest.raises(BadInput) as caught:
        tidemill.load(written(tmp_path, study)).run()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("ETH@base", "capital.ETH@base: unknown network 'base'"),
        ("ETH@op-mainnet", "capital.ETH@op-mainnet: given twice"),
        ("ETH@", "capital"),
    ],
)
def test_capital_elsewhere_names_token_and_network(key: str, says: str, tmp_path: Path):
    with pytest.raises(BadInput) as caught:
        tidemill.load(written(tmp_path, shortened(capital=STUDY["capital"] | {key: "1"}))).run()
    assert says in str(caught.value)


def test_the_fees_of_two_networks_are_not_called_layer_2_and_tokens_say_where_they_are(result: Result) -> None:
    labels = {row.key: row.label for row in result.document.waterfall}
    assert labels["l2"] == "Network fee: execution on op-mainnet and ethereum"
    assert labels["l1"] == "Network fee: L1 data on op-mainnet"  # Ethereum takes none
    many = ["op-mainnet", "ethereum", "base"]
    told = {key: cost_label(Line(key, "", 0, {}, "", ""), many, data_fee=False) for key in ("l2", "l1")}
    assert told == {"l2": "Network fee: execution on 3 networks", "l1": "Network fee: L1 data on op-mainnet and base"}
    said = io.StringIO()
    print_statement(result.document, Console(file=said, width=300))
    assert "-20,000 USDC@op-mainnet, 20,000 USDC@ethereum" in said.getvalue()


@pytest.mark.parametrize(("seconds", "noted"), [(604_800, False), (900, True)])
def test_a_wait_that_the_networks_facts_do_not_have_is_noted(seconds: int, noted: bool, tmp_path: Path) -> None:
    study = changed(
        "venues.exit.params.game_seconds", 0, changed("venues.exit.params.maturity_seconds", seconds, shortened())
    )
    document = tidemill.load(written(tmp_path, study)).run().document
    line = "exit: a proof is taken to wait 900 s; facts of op-mainnet say 604,800 s at the start"
    assert (line in document.fidelity.notes) == noted
