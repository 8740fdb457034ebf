"""Human amounts to integers and back, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.errors import BadInput
from tidemill.units import format_amount, parse_amount


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [
        ("1.5", 6, 1_500_000),
        ("0", 18, 0),
        ("-0.25", 2, -25),
        ("+7", 0, 7),
        (".5", 1, 5),
        ("5.", 1, 50),
        ("1_000", 0, 1000),
        ("1,000,000.25", 2, 100_000_025),
        ("1e18", 0, 10**18),
        ("25e-1", 1, 25),
        ("1.2300", 2, 123),
        ("123456789012345678901234567890.123456789012345678", 18, 123456789012345678901234567890123456789012345678),
    ],
)
def test_amounts_parse_exactly(text, decimals, value):
    assert parse_amount(text, decimals) == value


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1.2.3", "0x10", "1e", "nan", "inf", "1 000", "1__000", "one", "１", "1/2", "--1", None, 1.5]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(BadInput, match="not a decimal amount"):
        parse_amount(text, 6)


def test_more_decimals_than_the_unit_has_are_refused_not_rounded():
    with pytest.raises(BadInput, match="more than the 6 decimals"):
        parse_amount("0.0000001", 6)


@given(st.integers(-(1 << 256), 1 << 256), st.integers(0, 40))
def test_formatting_and_parsing_are_inverse(value, decimals):
    text = format_amount(value, decimals)
    assert parse_amount(text, decimals) == value
    assert Fraction(text) == Fraction(value, 10**decimals)
    assert not text.endswith(".")


@given(st.integers(-(1 << 128), 1 << 128), st.integers(0, 30), st.integers(0, 30))
def test_a_fixed_number_of_places_cuts_toward_zero(value, decimals, places):
    shown = Fraction(format_amount(value, decimals, places))
    exact = Fraction(value, 10**decimals)
    assert abs(shown) <= abs(exact) < abs(shown) + Fraction(1, 10**places)


def test_negative_decimals_are_refused():
    with pytest.raises(BadInput, match="neither can be negative"):
        format_amount(1, -1)
