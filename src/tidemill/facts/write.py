"""Facts as TOML, so that what a tool has read can be kept as what a person has."""

from __future__ import annotations

import msgspec

from tidemill.facts.types import Fact, Facts

__all__ = ["facts_toml"]


def facts_toml(facts: Facts) -> str:
    """Return the single facts of a file as TOML that ``parse_facts`` reads back; timelines are not written."""
    lines = [f"about = {_text(facts.about)}", "", "[facts]"]
    lines += [f"{_text(name)} = {{ {_fact(fact)} }}" for name, fact in facts.facts.items()]
    return "\n".join(lines) + "\n"


def _fact(fact: Fact) -> str:
    value = fact.value
    shown = str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else _text(value)
    parts = [f"value = {shown}", f"as_of = {fact.as_of}", f"source = {_text(fact.source)}"]
    parts += [f'confidence = "{fact.confidence.value}"', f'status = "{fact.status.value}"']
    parts += [f"{name} = {_text(text)}" for name, text in (("unit", fact.unit), ("note", fact.note)) if text]
    return ", ".join(parts)


def _text(text: str) -> str:
    """Return a TOML basic string: JSON's escapes are TOML's as well, but for the one of the delete character."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
