"""The lints find what they are for, and the project has none of it."""

from __future__ import annotations

import textwrap

import pytest

from tidemill.errors import RuleError
from tidemill.units import Q96, Index, Int, Uint, div_down, mul_div_down, require, rule
from tidemill.units.lint import check_file, check_text, main
from tidemill.units.rules import Rule

TABLE = [1, 2]
HUGE = 1 << 64


def said(function) -> str:
    return " | ".join(problem.message for problem in Rule(function).problems())


def container(a: Uint) -> Uint:
    return [a, a][0]


def subscript(a: Uint) -> Uint:
    return a + TABLE[0]


def attribute(a: Uint) -> Index:
    return a.bit_length()


def floating(a: Index) -> Index:
    return a * 0.5


def true_division(a: Uint) -> Uint:
    return a / 2


def bare_floor(a: Uint) -> Uint:
    return a // 2


def bare_mod(a: Int, b: Int) -> Int:
    return a % b


def unbounded(a: Uint) -> Uint:
    while a > 3:
        a = a - 1
    return a


def over_items(a: Uint) -> Uint:
    for x in (a, a):
        a = a + x
    return a


def unknown_call(a: Uint) -> Uint:
    return abs(a)


def method_call(a: Uint) -> Uint:
    return a.foo(a)


def mixed(a: Uint, i: Index) -> Uint:
    return a + i


def huge(a: Uint) -> Uint:
    return a + HUGE


def huge_literal(a: Uint) -> Uint:
    return a + 18446744073709551616


def minus(a: Uint) -> Uint:
    return -a


def truthy(a: Uint) -> Uint:
    return a or a


def wrong_result(a: Uint) -> Uint:
    return a > 1


def too_many(a: Uint) -> Uint:
    return a, a


def asserting(a: Uint) -> Uint:
    assert a > 0
    return a


def lambdas(a: Uint) -> Uint:
    return (lambda: a)()  # noqa: PLC3002


def power(a: Uint) -> Uint:
    return a**2


def wide_shift(a: Uint) -> Uint:
    return a << a


def retyped(a: Uint, i: Index) -> Uint:
    x = a
    x = i
    return x  # noqa: RET504


def wrong_argument(a: Uint, i: Index) -> Uint:
    return mul_div_down(a, i, a)


def few_arguments(a: Uint) -> Uint:
    return div_down(a)


def named_argument(a: Uint) -> Uint:
    return div_down(a, d=a)


def text_needed(a: Uint) -> Uint:
    require(a > 0, 3)
    return a


PLANTED = {
    container: "no containers",
    subscript: "no containers",
    attribute: "by name",
    floating: "no floats",
    true_division: "no float division",
    bare_floor: "bare division",
    bare_mod: "bare division",
    unbounded: "bounded",
    over_items: "bounded",
    unknown_call: "neither a rule nor a helper",
    method_call: "by name",
    mixed: "Uint meets Index",
    huge: "wide",
    huge_literal: "wide",
    minus: "wrapping_neg",
    truthy: "condition must be bool",
    wrong_result: "returns bool, declares Uint",
    too_many: "returns 2 values",
    asserting: "require",
    lambdas: "by name",
    power: "Pow",
    wide_shift: "by an Index",
    retyped: "x is Uint and is given Index",
    wrong_argument: "takes Uint here, got Index",
    few_arguments: "takes 2 arguments, got 1",
    named_argument: "positional",
    text_needed: "takes text here",
}


@pytest.mark.parametrize("function", PLANTED, ids=lambda f: f.__name__)
def test_each_departure_from_the_rule_language_is_named(function):
    assert PLANTED[function] in said(function)


def test_a_good_rule_has_no_problems():
    @rule
    def good(a: Uint, x: Int, i: Index, up: bool) -> tuple[Uint, Int]:
        total = 0
        for k in range(3):
            if up and k < i % 4:
                total += div_down(a, Q96) + 1
        return total, -x if up else x

    assert good.problems() == []


def test_a_bad_rule_is_refused_at_its_first_call_with_file_and_line():
    with pytest.raises(RuleError, match=r"test_lint\.py:\d+: rule bare_floor: bare division of Uint"):
        Rule(bare_floor)(7)


def test_missing_and_foreign_annotations_are_refused():
    def untyped(a, b: Uint) -> Uint:
        return b

    def foreign(a: float) -> Uint:
        return 1

    def without_result(a: Uint):
        return a

    for function, word in ((untyped, "nothing"), (foreign, "float"), (without_result, "nothing")):
        with pytest.raises(RuleError, match=f"not {word}"):
            _ = Rule(function).signature


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("tidemill.market.x", "import time; t = time.time()", "wall clock"),
        ("tidemill.market.x", "from time import time", "engine.clock"),
        ("tidemill.market.x", "from datetime import datetime; datetime.now()", "wall clock"),
        ("tidemill.market.x", "import datetime; datetime.datetime.utcnow()", "wall clock"),
        ("tidemill.market.x", "import random; random.random()", "not seeded"),
        ("tidemill.market.x", "import random; r = random.Random()", "not seeded"),
        ("tidemill.market.x", "from random import shuffle", "engine.rng"),
        ("tidemill.market.x", "import numpy as np; np.random.default_rng()", "not seeded"),
        ("tidemill.market.x", "import numpy as np; np.random.normal(3)", "not seeded"),
        ("tidemill.market.x", "import os; os.urandom(8)", "randomness"),
        ("tidemill.market.x", "import uuid; uuid.uuid4()", "randomness"),
        ("tidemill.market.x", "import secrets", "randomness"),
        ("tidemill.ledger.x", "a = 0.5", "float 0.5"),
        ("tidemill.ledger.x", "a = b / c", "named rounding"),
        ("tidemill.venues.y.x", "a = float(b)", "float"),
        ("tidemill.units.x", "def f(a: float): pass", "annotated float"),
        ("tidemill.units.x", "def f(a) -> float: pass", "returns float"),
        ("tidemill.units.x", "from tidemill.market import y", "downwards only"),
        ("tidemill.venues.a.x", "import tidemill.engine.world", "downwards only"),
        ("tidemill.venues.a.x", "from tidemill import app", "downwards only"),
        ("tidemill.venues.a.model", "from tidemill.venues.b.model import f", "venue a imports"),
        ("tidemill.venues.a.model", "from ..b.model import f", "venue a imports"),
    ],
)
def test_each_planted_breach_is_found(name, line, message):
    found = [(number, text) for number, text in check_file(name, f"\n{line}\n") if message in text]
    assert found
    assert found[0][0] == 2


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("tidemill.engine.clock", "import time\nt = time.time()"),
        ("tidemill.market.x", "import time\nt = time.monotonic()\ntime.sleep(0.1)"),
        ("tidemill.market.x", "import random\nimport numpy as np\nr = random.Random(3)\ng = np.random.default_rng(4)"),
        ("tidemill.studies.x", "a = 0.5 / 3"),
        ("tidemill.ledger.x", "p = folder / 'name'\nq = root / name"),
        ("tidemill.venues.y.kernel", "guess = log(p) * 2.0  # not money: a first guess, corrected exactly"),
        ("tidemill.venues.y.model", "from tidemill.venues.shared import ticks\nfrom tidemill.venues.y import rules"),
        ("tidemill.app.x", "from tidemill.units import wide\nfrom tidemill.errors import Revert"),
    ],
)
def test_what_is_allowed_is_left_alone(name, source):
    assert list(check_file(name, textwrap.dedent(source))) == []


def test_hosts_and_machine_paths_are_found_in_any_file():
    bad = [
        "see https://" + "registry." + "npm" + "js.org/x",
        "files.python" + "hosted.org",
        "p = '/ho" + "me/ann/x'",
        "/ro" + "ot/.x",
    ]
    assert [number for number, _ in check_text("\n".join(["fine", *bad, "a/home/b", "$HOME/x"]))] == [2, 3, 4, 5]


def test_the_project_is_clean():
    lines: list[str] = []
    assert main(lines.append) == 0, "".join(lines)
    assert lines == []
