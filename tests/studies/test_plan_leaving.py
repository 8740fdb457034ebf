"""What a plan says of the networks' own ways home: priced where measured, unknown where not, and above what is kept."""

from __future__ import annotations

from msgspec.structs import replace

from browser.pages import plan_document
from tidemill.studies.pages.page import Table
from tidemill.studies.pages.plan import plan_page
from tidemill.studies.plan.document import PlanDocument
from tidemill.studies.plan.leaving import WayHome, told_of_ways, ways_home

MICRO = 10**6


def held_on(network: str, net: int) -> PlanDocument:
    """Return a plan with one line, on ``network``, that leaves ``net``."""
    document = plan_document()
    return replace(document, held=[replace(document.held[0], network=network)], net=net, reach="ethereum")


def test_three_transactions_of_base_are_priced() -> None:
    # 156,031 gas on Base, and 380,545 + 189,019 on Ethereum at 2.1 gwei: the measured gas of `tidemill exits`
    (way,) = ways_home(held_on("base", MICRO))
    ethereum = (380_545 + 189_019) * 2_100_000_000
    assert way.wei is not None and ethereum < way.wei < ethereum + 10**12
    assert way.dollars is not None and 3 * MICRO < way.dollars < 4 * MICRO


def test_more_than_is_kept_is_said_and_warned_of() -> None:
    small, large = held_on("base", MICRO), held_on("base", 1_000 * MICRO)
    assert "more than you should keep" in told_of_ways(small) and "more than you should keep" not in told_of_ways(large)
    assert any("own ways to Ethereum" in line for line in plan_page(small).warnings)
    assert not any("own ways to Ethereum" in line for line in plan_page(large).warnings)


def test_unmeasured_ways_are_unknown_and_none_is_needed_at_home() -> None:
    assert ways_home(held_on("arbitrum-one", MICRO)) == [WayHome("arbitrum-one", None)]
    assert "not known of arbitrum-one" in told_of_ways(held_on("arbitrum-one", MICRO))
    assert told_of_ways(held_on("ethereum", MICRO)) == ""
    assert told_of_ways(replace(held_on("base", MICRO), reach="network")) == ""


def test_a_network_without_levels_is_not_priced() -> None:
    assert ways_home(held_on("scroll", MICRO))[0].wei is None


def test_what_rounding_left_is_no_decision_and_no_wait_is_at_once() -> None:
    document = held_on("base", MICRO)
    for idle, told in ((1, 0), (9_999, 0), (10_000, 10_000)):
        page = plan_page(replace(document, idle=idle))
        assert next(one.value for one in page.figures if one.title == "Stays in the wallet") == told
    for seconds, wait in ((0, "at once"), (3_600, 3_600), (None, None)):
        held = [replace(document.held[0], exit_seconds=seconds)]
        page = plan_page(replace(document, held=held))
        table = next(one for one in page.sections[0].blocks if isinstance(one, Table))
        assert table.rows[0][5] == wait
