"""Studies side by side: the columns are the studies' own figures, baselines are common, and unlike is refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import structs

import tidemill
from kit import STUDY, small_market, write_study
from tidemill.errors import BadInput
from tidemill.studies.canonical import result_hash
from tidemill.studies.compare import compare, side_by_side
from tidemill.studies.schema import ResultDocument, WaterfallRow


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three studies of one small market: two ranges, and one that only holds."""
    from tidemill.market import write_dataset

    folder = tmp_path_factory.mktemp("compare")
    write_dataset(small_market(), folder / "small")
    made = []
    for name, changes in {
        "narrow": {"title": "A range"},
        "wide": {"title": "A range", "parameters": {"width": 4000, "trigger": 400, "cooldown": 3600}},
        "hold": {"title": "Only holding", "strategy": "hold", "parameters": {}},
    }.items():
        made.append(write_study(folder, {**STUDY, **changes}, f"{name}.toml"))
    return made


def test_columns_are_the_studies_own_figures(studies: list[Path], tmp_path: Path) -> None:
    told: list[str] = []
    compared = compare(studies, progress=told.append)
    document = compared.document
    alone = [tidemill.load(path).run().document for path in studies]
    assert [column.result_hash for column in document.studies] == [one.result_hash for one in alone]
    for place, one in enumerate(alone):
        rows = {row.key: row.value for row in one.waterfall}
        shown = {row.key: row.values[place] for row in document.rows if row.values[place] is not None}
        assert shown == rows
        assert document.studies[place].keep == one.headline.keep
    keys = [row.key for row in document.rows]
    assert keys[-1] == "keep" and len(keys) == len(set(keys)) and keys.index("before_exit") < keys.index("exit")
    assert document.best == max(range(3), key=lambda i: alone[i].headline.keep)
    holding, lending = document.baselines
    assert holding.keep == next(c.keep for c in alone[0].comparisons if c.name == "holding")
    assert lending.keep is None and "none of these studies only lends" in lending.note
    assert len(told) == 3
    assert document.result_hash == result_hash(document) == compare(studies).document.result_hash
    frame = compared.frame()
    assert frame.columns == ["key", "label", "A range (1)", "A range (2)", "Only holding"]
    assert frame["A range (2)"].to_list() == [row.values[1] for row in document.rows]
    written = msgspec.json.decode((compared.write(tmp_path / "out") / "compare.json").read_bytes())
    assert written == msgspec.to_builtins(document)


def lends(document: ResultDocument, keep: int, *more: str) -> ResultDocument:
    """A result whose waterfall is that of lending (rows made up; what is tested is who counts as a plain lender)."""
    flows = [WaterfallRow(key, key, "flow", 7, None, {}, "") for key in ("interest", "l2", *more)]
    total = WaterfallRow("keep", "What you keep", "total", keep, None, {}, "")
    return structs.replace(document, waterfall=[*flows, total], headline=structs.replace(document.headline, keep=keep))


def test_the_best_of_those_that_only_lend_is_a_baseline(studies: list[Path]) -> None:
    plain = tidemill.load(studies[2]).run().document
    loop = lends(plain, 900, "borrowing")
    _, lending = side_by_side([lends(plain, 100), lends(plain, 300), loop, lends(plain, 800, "fees")]).baselines
    assert lending.keep == 300
    assert side_by_side([loop, loop]).baselines[1].keep is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"capital": {"USDC": "999", "ETH": "0.1"}},
            r"capital: 999 USDC, 0.1 ETH here, 1000 USDC, 0.1 ETH in .*narrow",
        ),
        ({"home": "WETH"}, r"home: WETH here, USDC in .*only studies of the same home can be compared"),
        ({"end": "1970"}, "end: "),
    ],
)
def test_what_cannot_be_compared_is_named(studies: list[Path], changes: dict[str, object], says: str) -> None:
    if "end" in changes:
        import datetime as dt

        end = tidemill.load(studies[2]).run().document.study.end
        changes = {"end": dt.datetime.fromtimestamp(end - 3_600, dt.UTC)}
    other = write_study(studies[0].parent, {**STUDY, **changes}, "other.toml")
    with pytest.raises(BadInput, match=says) as caught:
        compare([studies[0], other])
    assert "\n" not in str(caught.value)
    other.unlink()


def test_one_study_is_no_comparison(studies: list[Path]) -> None:
    with pytest.raises(BadInput, match="1 study given; name two or more"):
        compare(studies[:1])
