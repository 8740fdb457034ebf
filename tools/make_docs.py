"""Write the reference pages from the code: docs/study.md, strategies.md, commands.md, venues.md.

``python tools/make_docs.py`` writes them; ``--check`` writes nothing and exits with 1 when one is not current.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from cyclopts import App

from tidemill import networks, strategies
from tidemill.app.cli import app
from tidemill.studies import study as study_file
from tidemill.venues.about import catalogue
from tidemill.venues.kinds import kind, kinds

DOCS = Path(__file__).resolve().parents[1] / "docs"
MADE = "<!-- Made by tools/make_docs.py from the code; edit the code. -->\n"
INTERNAL = {"path", "digest"}

TABLES: list[tuple[str, type[msgspec.Struct]]] = [
    ("", study_file.Study),
    ("venues.NAME", study_file.VenueSpec),
    ("streams.NAME", study_file.StreamSpec),
    ("[transfers]", study_file.TransferSpec),
    ("[contributions]", study_file.ContributionSpec),
    ("venues.NAME.pool", study_file.PoolSpec),
    ("venues.NAME.rates", study_file.RatesSpec),
    ("fees.NETWORK", study_file.Fees),
    ("world", study_file.WorldSpec),
    ("rehearse", study_file.Rehearsal),
]
"""Every table of a study file and the type behind it."""


def main(arguments: list[str] | None = None) -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is not current")
    check = parser.parse_args(arguments).check
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name}: {'not current; run: python tools/make_docs.py' if check else 'written'}")
    return 1 if check and stale else 0


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# --- study.md ---------------------------------------------------------------------------------------------------------


def study_page() -> str:
    """Return docs/study.md."""
    parts = [MADE, "# The study file\n", STUDY_INTRO]
    for name, struct in TABLES:
        parts.append(f"\n## {f'`[{name}]`' if name else 'Top level'}\n")
        about = (inspect.getdoc(struct) or "").splitlines()[0].replace("``", "`")
        parts.append(f"{about if name else 'What is studied, with what, and where.'}\n")
        rows = [field_row(f) for f in msgspec.structs.fields(struct) if f.name not in INTERNAL]
        parts.append(table(("key", "what it takes", "default", "meaning"), rows))
    parts.append("\n## `[venues.NAME.params]`\n\nParameters of venues that replay no events, by kind.\n")
    for name in kinds():
        found = kind(name)
        if found.params:
            parts.append(f"\n`{name}`: {found.summary}\n")
            parts.append(params_table(found.params, found.limits))
        if found.bars:
            parts.append(f"\n`{name}` over a table of rates ([rates.md](rates.md)):\n")
            parts.append(params_table(found.bars.params, found.bars.limits))
    parts.append("\n## Names\n\n")
    parts.append(f"* kinds of venue: {', '.join(f'`{name}`' for name in kinds())}\n")
    parts.append(f"* networks: {', '.join(f'`{name}`' for name in networks.names())}\n")
    parts.append(f"* strategies: {', '.join(f'`{name}`' for name in strategies.names())} (see strategies.md)\n")
    return "\n".join(parts).replace("\n\n\n", "\n\n")


def params_table(params: Mapping[str, tuple[int | str | None, str]], limits: Mapping[str, tuple[int, int]]) -> str:
    """Return the table of a kind's parameters."""
    rows = []
    for key, (default, about) in params.items():
        low, high = limits.get(key, (0, 10**9))
        between = f" ({low:,} to {high:,})" if high < 10**9 else f" (from {low})" if low else ""
        rows.append((f"`{key}`", shown(default, default is None), about + between))
    return table(("key", "default", "meaning"), rows)


STUDY_INTRO = """\
One TOML file says everything; every command takes it. Unknown keys are errors that name the nearest valid one, and every
wrong value is one line with file, field and what would be right. Amounts of money are decimal numbers in quotes, so that
they are exact. Relative paths start at the study file; datasets are also looked for under `TIDEMILL_DATA`.

The keys of the top level stand before the first `[table]`.
"""


def field_row(field: msgspec.structs.FieldInfo) -> tuple[str, ...]:
    """Return one row: key, type with range, default, meaning."""
    default = field.default if field.default is not msgspec.NODEFAULT else None
    factory = field.default_factory is not msgspec.NODEFAULT
    text = "empty" if factory else shown(default, field.required)
    return f"`{field.name}`", wants(field.type), text, meaning(field.type) or "see the table below"


def shown(default: Any, required: bool) -> str:
    """Return a default as it would be written."""
    return "**required**" if required else "none" if default is None else f"`{default}`"


def meaning(kind_: Any) -> str:
    """Return a field's own description, not that of the type it is made of."""
    if get_origin(kind_) is Annotated:
        texts = [note.description for note in get_args(kind_)[1:] if getattr(note, "description", None)]
        return texts[-1] if texts else ""
    return ""


def wants(kind_: Any) -> str:
    """Say what a field takes, ranges included."""
    origin = get_origin(kind_)
    if origin is Annotated:
        base, *notes = get_args(kind_)
        text, bounds = wants(base), ""
        for note in notes:
            if getattr(note, "pattern", None) and "0-9]{1,30}" in note.pattern:
                text = "number in quotes"
            elif getattr(note, "pattern", None) and note.pattern.startswith("^[A-Za-z]"):
                text = "name"
            low, high = getattr(note, "ge", None), getattr(note, "le", None)
            if low is not None or high is not None:
                top = "2^63 - 1" if high == 2**63 - 1 else f"{high:,}"
                bounds = f", {low:,} to {top}"
            if getattr(note, "max_length", None):
                bounds = f", at most {note.max_length}"
        return text + bounds
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind_))
    if origin is dict:
        key, value = get_args(kind_)
        return "table" if value is Any else f"table: {wants(key)} = {wants(value)}"
    if origin is list:
        return f"list of {wants(get_args(kind_)[0])}"
    if origin in (UnionType, Union):
        return " or ".join(dict.fromkeys(wants(arg) for arg in get_args(kind_) if arg is not type(None)))
    names = {str: "text", int: "whole number", Any: "anything"}
    if isinstance(kind_, type) and issubclass(kind_, msgspec.Struct):
        return "table"
    return names.get(kind_, "date and time, UTC" if getattr(kind_, "__name__", "") == "datetime" else str(kind_))


# --- strategies.md ----------------------------------------------------------------------------------------------------


def strategies_page() -> str:
    """Return docs/strategies.md."""
    parts = [MADE, "# Strategies\n", STRATEGIES_INTRO]
    for name in strategies.names():
        found = strategies.find(name, Path(), own_code=False)
        about = inspect.cleandoc(found.kind.__doc__ or "").partition("\n\nParameters")[0].replace("``", "`")
        parts.append(f"\n## `{name}`\n\n{about}\n")
        parts += [f"Played in {links}.\n"] if (links := played_in(name)) else []
        parts.append(strategies.table(name) + "\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts))


def played_in(name: str) -> str:
    """Return links to the shipped studies that play a strategy, itself or in a stream."""
    found = []
    for file in sorted((DOCS.parent / "examples").glob("*.toml")):
        study = tomllib.loads(file.read_text(encoding="utf-8"))
        played = {study.get("strategy"), *(one.get("strategy") for one in study.get("streams", {}).values())}
        found += [f"[{file.name}](../examples/{file.name})"] if name in played else []
    return ", ".join(found)


STRATEGIES_INTRO = """\
`strategy = "NAME"` in a study, its parameters under `[parameters]`. What the study says elsewhere (venue, home, exit,
tokens) need not be said again: a parameter marked *required* is filled in from there. Widths are in ticks: one tick is
0.01 % of price, so 600 ticks are about 6 %. Every swap carries a least amount (`slippage_bps` below the quote).

`strategy = "file.py:Class"` runs a class of your own: see the tour, and `examples/my_strategy.py`.
"""


# --- commands.md ------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Return docs/commands.md."""
    parts = [MADE, "# Commands\n", COMMANDS_INTRO]
    for path, command in commands(app, ("tidemill",)):
        parts.append(command_part(path, command))
    return "\n".join(parts)


COMMANDS_INTRO = """\
Statements and JSON go to standard output, everything else to standard error. Exit codes: 0 done, 1 the work itself found
something wrong (a dataset that is not sound, a rehearsal that disagrees), 2 bad input, named in one line, 130 interrupted.
"""


def commands(node: App, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], App]]:
    """Yield every command below ``node`` that does something."""
    for name in sorted(name for name in node if not name.startswith("-")):
        child = node[name]
        if child.default_command is not None:
            yield (*path, name), child
        yield from commands(child, (*path, name))


def command_part(path: tuple[str, ...], command: App) -> str:
    """Return the section of one command, from its signature and docstring."""
    function: Callable[..., Any] = command.default_command
    about, _, told = inspect.cleandoc(function.__doc__ or "").partition("Parameters\n----------\n")
    words: dict[str, str] = {}
    for line in told.splitlines():
        if line and not line.startswith(" "):
            words[key := line.strip()] = ""
        elif line.strip():
            words[key] = f"{words[key]} {line.strip()}".strip()
    rows = []
    for argument in command.assemble_argument_collection():
        parameter = argument.field_info
        keyword = parameter.kind is parameter.KEYWORD_ONLY
        name = ", ".join(f"`{n}`" for n in argument.names) if keyword else f"`{parameter.name.upper()}`"
        default = argument.field_info.default
        given = "" if default is inspect.Parameter.empty or default is None or default is False else f"`{default}`"
        needed = argument.required or (parameter.kind is not parameter.VAR_POSITIONAL and not keyword)
        rows.append((name, choices(argument.hint), "**required**" if needed else given, words[parameter.name]))
    return f"## `{' '.join(path)}`\n\n{about.strip()}\n\n" + table(("argument", "takes", "default", "meaning"), rows)


def choices(hint: Any) -> str:
    """Say what an argument takes."""
    if get_origin(hint) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(hint))
    if hint is bool:
        return "(a switch)"
    if get_origin(hint) in (UnionType, Union):
        return choices(next(arg for arg in get_args(hint) if arg is not type(None)))
    return {"int": "whole number", "Path": "path", "str": "text"}.get(getattr(hint, "__name__", ""), "text")


# --- venues.md --------------------------------------------------------------------------------------------------------


def venues_page() -> str:
    """Return docs/venues.md."""
    parts = [MADE, "# Venues\n", VENUES_INTRO]
    every = catalogue()
    head = ("kind", "family", "proof", "known on", "")
    rows = [
        (f"`{a.kind.name}`", a.kind.family, a.kind.proof, ", ".join(a.networks) or "–", a.kind.summary) for a in every
    ]
    parts.append(table(head, rows))
    for one in every:
        parts.append(f"\n## `{one.kind.name}`\n\n{one.kind.income}\n")
        parts.append("".join(f"* {risk}\n" for risk in one.kind.risks))
        costs = [(purpose, f"`{c.verb}`", str(c.transactions), f"{c.gas:,}", c.off) for purpose, c in one.costs.items()]
        parts.append(f"\nGas when nothing special is met, approvals included ({one.measured}):\n")
        parts.append(table(("", "verb", "transactions", "gas", "off by (median)"), costs))
        if one.deployments:
            sources = {
                f"{fact.source}, read {fact.as_of}" for names in one.deployments.values() for fact in names.values()
            }
            parts.append(f"\nAddresses (from {'; '.join(sorted(sources))}): `tidemill venues show {one.kind.name}`.\n")
    return "\n".join(parts).replace("\n\n\n", "\n\n")


VENUES_INTRO = """\
What a study may name as `kind`. *Proof* says what stands behind the model: `bytecode-equal` (equal to the wei to the
registry's artefact under random actions), `fork-equal` (the same suite against a deployed contract), `rule-checked` (a
contract of ours from the public rule, or published values), `unproven`. The same facts: `tidemill venues`.
"""


PAGES = {
    "study.md": study_page,
    "strategies.md": strategies_page,
    "commands.md": commands_page,
    "venues.md": venues_page,
}

if __name__ == "__main__":
    sys.exit(main())
