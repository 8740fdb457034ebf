"""Fee rules of ZK Stack, Scroll, Linea, Starknet and Polygon zkEVM against their vectors, case by case."""

from __future__ import annotations

import pytest

from networks.vector_tables import rows, table
from tidemill.errors import BadInput
from tidemill.networks import linea, polygon_zkevm, scroll, starknet, zk_stack

ZK, SCROLL, LINEA, STARK, ZKEVM = (table(name) for name in ("zk_stack", "scroll", "linea", "starknet", "polygon_zkevm"))


def test_every_vector_is_here() -> None:
    counts = {
        "zk": len(ZK["rows"]) + len(ZK["before"]["rows"]),
        "scroll": 2 + len(SCROLL["feynman"]["rows"]) + len(SCROLL["galileo"]["rows"]),
        "linea": 1 + len(LINEA["calldata"]["rows"]),
        "starknet": sum(len(section["rows"]) for section in STARK.values()),
        "zkevm": sum(len(ZKEVM[name]["rows"]) for name in ("percentage", "break_even", "effective")),
    }
    assert counts == {"zk": 8, "scroll": 7, "linea": 3, "starknet": 13, "zkevm": 15}


@pytest.mark.parametrize("case", rows(ZK), ids=lambda c: c["name"])
def test_zk_stack_prices(case) -> None:
    model = zk_stack.FeeModel(
        case["minimal"],
        case["compute_part"],
        case["pubdata_part"],
        case["batch_gas"],
        case["gas_per_batch"],
        case["pubdata_per_batch"],
    )
    l1, pubdata = case["l1_gas_price"] * case["scale"], case["l1_pubdata_price"] * case["scale"]
    prices = zk_stack.fair_l2_gas_price_up(model, l1), zk_stack.fair_pubdata_price_up(model, l1, pubdata)
    if case["clipped"]:
        prices = zk_stack.clipped(*prices)
    assert (l1, *prices) == (case["want_l1"], case["want_l2"], case["want_pubdata"])


@pytest.mark.parametrize("case", rows(ZK["before"]), ids=lambda c: str(c["l1_gas_price"]))
def test_zk_stack_base_fee_and_gas_per_byte(case) -> None:
    pubdata = case["l1_gas_price"] * ZK["before"]["l1_gas_per_byte"]
    base_fee = zk_stack.base_fee_up(case["minimal"], pubdata, ZK["before"]["max_gas_per_pubdata"])
    got = base_fee, zk_stack.gas_per_pubdata_up(pubdata, base_fee)
    assert got == (case["want_base_fee"], case["want_gas_per_pubdata"])


def test_zk_stack_rounds_up_where_the_operator_would_lose() -> None:
    assert zk_stack.base_fee_up(0, 50_001, 50_000) == 2
    assert zk_stack.gas_per_pubdata_up(50_001, 2) == 25_001
    assert zk_stack.gas_per_pubdata_up(0, 0) == 0
    model = zk_stack.FeeModel(5, 1_000_000, 1_000_000, 3, 2, 4)
    assert zk_stack.fair_l2_gas_price_up(model, 1) == 5 + 2
    assert zk_stack.fair_pubdata_price_up(model, 3, 1) == 1 + 3
    assert [zk_stack.overhead_gas(n) for n in (0, 1_000, 1_001)] == [10_000, 10_000, 10_010]


def test_scroll_before_and_at_curie() -> None:
    old, curie = SCROLL["legacy"], SCROLL["curie"]
    data = bytes.fromhex(old["data"])
    zeros = data.count(0)
    fee = scroll.legacy_l1_fee_down(zeros, len(data) - zeros, old["l1_base_fee"], old["overhead"], old["scalar"])
    assert fee == old["want"]
    prices = curie["l1_base_fee"], curie["l1_blob_base_fee"], curie["commit_scalar"], curie["blob_scalar"]
    assert scroll.curie_l1_fee_down(curie["size"], *prices) == curie["want"]


@pytest.mark.parametrize("case", rows(SCROLL["feynman"]), ids=str)
def test_scroll_feynman(case) -> None:
    given = SCROLL["feynman"]
    names = ("l1_base_fee", "l1_blob_base_fee", "exec_scalar", "blob_scalar", "penalty_threshold", "penalty_factor")
    assert scroll.feynman_l1_fee_down(given["size"], case["ratio"], *(given[n] for n in names)) == case["want"]


def test_scroll_feynman_penalty_begins_below_the_threshold() -> None:
    prices = (10**9, 0, 10**9, 0)
    at, below = (scroll.feynman_l1_fee_down(1, ratio, *prices, 500, 3 * 10**9) for ratio in (500, 499))
    assert (at, below) == (10**9, 3 * 10**9)


@pytest.mark.parametrize("case", rows(SCROLL["galileo"]), ids=str)
def test_scroll_galileo(case) -> None:
    given = SCROLL["galileo"]
    names = ("l1_base_fee", "l1_blob_base_fee", "exec_scalar", "blob_scalar")
    fee = scroll.galileo_l1_fee_down(case["compressed"], *(given[n] for n in names), case["penalty_factor"])
    assert fee == case["want"]


def test_linea_cost_of_a_byte() -> None:
    given = LINEA["variable"]
    names = (
        "base_fee",
        "priority_fee",
        "blob_base_fee",
        "execution_gas",
        "blob_gas",
        "bytes_per_submission",
        "margin",
    )
    assert linea.variable_cost_down(*(given[n] for n in names)) == given["want"]


@pytest.mark.parametrize("case", rows(LINEA["calldata"]), ids=str)
def test_linea_cost_by_calldata(case) -> None:
    given = LINEA["calldata"]
    names = ("change_denominator", "blocks", "block_limit")
    got = linea.calldata_variable_cost_down(given["base"], given["base"], case["calldata"], *(given[n] for n in names))
    assert got == case["want"]


def test_linea_cost_by_calldata_never_falls_below_the_plain_cost() -> None:
    assert linea.calldata_variable_cost_down(900, 1_000, 0, 10, 5, 100) == 900
    assert linea.calldata_variable_cost_down(800, 1_000, 0, 10, 5, 100) == 900
    assert linea.calldata_variable_cost_down(800, 1_000, 125, 10, 5, 100) == 950
    assert linea.calldata_variable_cost_down(800, 1_000, 250, 10, 5, 100) == 1_000


def test_linea_least_price_is_divided_inside_and_rounded_up_outside() -> None:
    data = linea.data_price_down(5_582_500, 300, 1_000)
    assert data == 1  # 1.674… wei per gas
    assert linea.least_gas_price_up(7, data, 30, 1_200_000) == 7 + 38  # 37.2
    assert linea.least_gas_price_up(7, 0, 0, 1_200_000) == 7
    assert linea.data_price_down(5 * 10**6, 1, 1) == 5
    assert linea.variable_cost_down(1, 0, 0, 1, 0, 1, 10**6) == 10**6
    for ask in (lambda: linea.data_price_down(1, 1, 0), lambda: linea.variable_cost_down(1, 1, 1, 1, 1, 0, 1)):
        with pytest.raises(BadInput, match="a transaction uses some|must be positive"):
            ask()
    assert linea.finalization_threshold_down(100, 1_000_000, 16 * 3_600) == 2_600
    assert linea.finalization_threshold_down(100, 1_000_000, 8 * 3_600) == 725


@pytest.mark.parametrize("case", rows(STARK["apr"]), ids=str)
def test_starknet_staking_rate(case) -> None:
    assert (
        starknet.staking_apr_bps_down(case["ceiling_bps"], case["staked_bps"], case["bitcoin_part_bps"])
        == (case["want_apr_bps"])
    )
    assert (
        starknet.staking_apr_bps_down(case["ceiling_bps"], case["staked_bps"] + 1, case["bitcoin_part_bps"])
        < (case["want_apr_bps"])
    )


@pytest.mark.parametrize("case", rows(STARK["l2_price"]), ids=str)
def test_starknet_l2_gas_price(case) -> None:
    assert starknet.next_l2_gas_price_down(case["price"], case["used"], case["target"]) == case["want"]


def test_starknet_l2_gas_price_has_a_floor() -> None:
    assert starknet.next_l2_gas_price_down(3_000_000_001, 0, 8) == starknet.MIN_L2_GAS_PRICE == 3_000_000_000


@pytest.mark.parametrize("case", rows(STARK["l1_data"]), ids=str)
def test_starknet_data(case) -> None:
    words = starknet.changed_words(case["class_changes"], case["contracts"], case["values"], case["declared"])
    blob = case["mode"] == "blob"
    gas = starknet.blob_data_gas(words) if blob else starknet.calldata_data_gas(words, case["contracts"])
    assert gas * STARK["l1_data"]["price"] == case["want"]


def test_starknet_at_its_edges() -> None:
    assert starknet.changed_words(3, 1, 1, 5) == 3 + 10
    assert starknet.calldata_data_gas(0, 1) == 0
    assert starknet.next_l2_gas_price_down(48 * 10**9, 2, 1) == 49 * 10**9
    assert starknet.staking_apr_bps_down(400, 10_000, 0) == 400
    assert starknet.staking_apr_bps_down(400, 1, 0) == 40_000
    refused = (
        lambda: starknet.staking_apr_bps_down(400, 10_001, 0),
        lambda: starknet.staking_apr_bps_down(400, 0, 0),
        lambda: starknet.next_l2_gas_price_down(1, 1, 0),
        lambda: starknet.changed_words(0, 0, 1),
        lambda: starknet.changed_words(0, 1, 0),
    )
    for ask in refused:
        with pytest.raises(BadInput, match="expected 1 to 10,000|must be positive|at least 1"):
            ask()


@pytest.mark.parametrize("case", rows(STARK["l1_messages"]), ids=str)
def test_starknet_messages(case) -> None:
    assert starknet.l1_message_gas(case["payloads"]) == case["want"]


@pytest.mark.parametrize("case", rows(ZKEVM["percentage"]), ids=str)
def test_zkevm_percentage(case) -> None:
    assert polygon_zkevm.effective_percentage(case["offered"], case["effective"]) == case["want"]


def break_even(case: dict[str, int | str]) -> int:
    raw = bytes.fromhex(str(case["raw"]))
    zeros = raw.count(0)
    model = polygon_zkevm.PriceModel(transfer=int(case.get("transfer", 0)))
    prices = (int(case[name]) for name in ("offered", "gas", "l1_gas_price"))
    return polygon_zkevm.break_even_gas_price_down(zeros, len(raw) - zeros, *prices, model)


@pytest.mark.parametrize("case", rows(ZKEVM["break_even"]), ids=str)
def test_zkevm_break_even(case) -> None:
    assert break_even(case) == case["want"]


@pytest.mark.parametrize("case", rows(ZKEVM["effective"]), ids=str)
def test_zkevm_effective_price(case) -> None:
    got = polygon_zkevm.effective_gas_price_down(break_even(case), case["offered"], case["suggested"])
    assert got == case["want"]


def test_zkevm_settings_are_those_of_the_network() -> None:
    ask = polygon_zkevm.break_even_gas_price_down
    assert ask(0, 0, 1, 10, 10**9) == (10 * 250_000_000 + 16 * 10**9) // 10
    assert ask(0, 0, 1, 21_000, 10**9) == (21_000 * 250_000_000 + 16 * 10**9) // 21_000, "no fixed price of a transfer"
    assert polygon_zkevm.effective_gas_price_down(113, 999, 1_000) == 113
    for wrong in (
        lambda: polygon_zkevm.effective_gas_price_down(1, 1, 0),
        lambda: polygon_zkevm.effective_percentage(0, 1),
    ):
        with pytest.raises(BadInput, match="must be positive"):
            wrong()
    assert polygon_zkevm.effective_gas_price_down(1, 2, 1) == 2
    assert polygon_zkevm.effective_percentage(1, 0) == 0
