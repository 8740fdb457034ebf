"""The page of myths says what the facts say: value, date and source of each stand there, and no fact is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidemill.facts import Confidence, Fact
from tidemill.networks.unpaid import claims

PAGE = Path(__file__).resolve().parents[2] / "docs" / "myths.md"
FACTS = claims().facts


def sections() -> list[str]:
    return re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


def told(fact: Fact) -> list[str]:
    """The sections that name a fact's date and source together."""
    cited = f"{fact.as_of.isoformat()}; {fact.source}"
    return [part for part in sections() if cited in " ".join(part.split())]


@pytest.mark.parametrize("name", sorted(FACTS))
def test_each_fact_stands_there_with_date_and_source(name: str):
    fact = FACTS[name]
    parts = told(fact)
    assert parts
    if fact.value not in ("ended", "none", 0):
        assert any(str(fact.value) in " ".join(part.split()) for part in parts)
    if fact.confidence is Confidence.UNCERTAIN:
        assert any("**uncertain**" in part for part in parts)


def test_every_claim_is_a_quotation_and_most_cite_a_fact():
    titles = [part.splitlines()[0] for part in sections()]
    assert len(titles) >= 12 and all(re.fullmatch('".*"', title) for title in titles)
    cited = {part.splitlines()[0] for fact in FACTS.values() for part in told(fact)}
    assert {title for title in titles if title not in cited} == {'"Run a sequencer, it is a business"'}


def test_the_page_is_linked():
    assert "(myths.md)" in (PAGE.parent / "README.md").read_text(encoding="utf-8")
