"""Plant one-token mistakes in a venue's rules and model; its twin tests must notice every one.

A plain run takes a selection: every rounding, and comparisons, arithmetic and accruals spread evenly over all modules,
the same ones each time (``SELECTED`` of a venue, all where there are not many more). ``--all`` plants every one.

For each venue the module ``twins.<venue>_mutants`` names

* ``MODULES`` — the modules to spoil;
* ``run()`` — a short seeded run of the twin tests, which raises when the twins differ;
* ``NEEDED`` — modules not to spoil that take long to import: imported once, before any process is forked (optional);
* ``EQUIVALENT`` — mistakes that cannot be seen, each with its argument: ``{mutant: why}``; ``mutant #*`` names all
  alike in one function.

A mistake is: a rounding turned round, a comparison moved by one or turned, plus for minus, an integer off by one, True
for False, ``and`` for ``or``, token 0 for token 1, lower for upper, or a statement left out. Each runs in a process of
its own, forked after the contracts are loaded, on ``int`` (nothing is compiled).

Exit status 1 when a mistake survives, or when an argued equivalence no longer names a mistake or is noticed after all.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import os
import select
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 60  # a mistake that makes an endless loop is noticed by the clock
PROGRESS = 10  # seconds between two lines that say how far it is
SELECTED = 140  # mistakes a plain run plants per venue
ARITHMETIC = {"rounding", "comparison", "arithmetic", "sign"}  # kinds that a selection is made of
COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
REVERSED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
TURNED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitAnd: ast.BitOr, ast.BitXor: ast.BitOr}
NAMES = {
    "wrapping_add": "wrapping_sub",
    "minimum": "maximum",
    "min": "max",
    "MIN_TICK": "MAX_TICK",
    "MIN_SQRT_RATIO": "MAX_SQRT_RATIO",
}
NAMES |= {new: old for old, new in NAMES.items()}
ROUNDED = ("_down", "_up")
HALVES = (ROUNDED, ("_in_", "_out_"), ("_left", "_right"), ("lower", "upper"), ("below", "above"))
DROPPED = (ast.Expr, ast.AugAssign)


class Mutant(NamedTuple):
    """``name`` is stable under edits elsewhere: module, function, before and after, and which one of several alike."""

    name: str
    kind: str
    line: int
    module: str
    place: int
    variant: int


class Verdict(NamedTuple):
    """How a mutant ended: ``noticed`` by ``how``, or survived; ``seconds`` of its own work."""

    noticed: bool
    how: str
    seconds: float


# -- planting ----------------------------------------------------------------------------------------------------------


def variants(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Every one-token change of a node, as (kind, new node); None drops the statement."""
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                for table in (COMPARED, REVERSED):
                    if type(op) in table:
                        new = copy.deepcopy(node)
                        new.ops[i] = table[type(op)]()
                        yield "comparison", new
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in TURNED:
            new = copy.deepcopy(node)
            new.op = TURNED[type(op)]()
            yield "arithmetic", new
            if isinstance(node, ast.AugAssign):
                yield "dropped", None
        case ast.BoolOp(op=op):
            new = copy.deepcopy(node)
            new.op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "logic", new
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield "sign", copy.deepcopy(operand)
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield "constant", ast.Constant(value + 1)
        case ast.Name(id=name, ctx=ast.Load()) if (other := partner(name)) is not None:
            yield ("rounding" if name.endswith(("_up", "_down")) else "name"), ast.Name(other, ast.Load())
        case ast.Attribute(attr=name, ctx=ast.Load()) if (other := partner(name)) is not None:
            new = copy.deepcopy(node)
            new.attr = other
            yield "name", new
        case ast.Constant(value=str(text)) if (other := _numbered(text)) is not None:
            yield "name", ast.Constant(other)
        case ast.Expr(value=ast.Call()):
            yield "dropped", None


def partner(name: str) -> str | None:
    """The name a tired hand writes instead."""
    if name in NAMES:
        return NAMES[name]
    for one, other in HALVES:
        for old, new in ((one, other), (other, one)):
            if old in name and (old not in ROUNDED or name.endswith(old)):  # the "_up" of tick_upper is none
                return name.replace(old, new)
    return _numbered(name)


def _numbered(name: str) -> str | None:
    """The other token's: ``amount0`` for ``amount1``, ``fee_protocol_0`` for ``fee_protocol_1``."""
    for old, new in (("0", "1"), ("1", "0")):
        if name.endswith(old) and not name[:-1].endswith(tuple("0123456789")):
            return name[:-1] + new
        if f"_{old}_" in name:
            return name.replace(f"_{old}_", f"_{new}_")
    return None


def sites(tree: ast.Module) -> Iterator[tuple[str, ast.AST, ast.AST, str, int | None]]:
    """Every node that may change: (function, node, parent, field, index), docstrings and annotations left alone."""

    def walk(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST, ast.AST, str, int | None]]:
        for field, value in ast.iter_fields(node):
            if field in {"decorator_list", "annotation", "returns", "keywords"} and field != "keywords":
                continue
            for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST):
                    continue
                inside = where
                if isinstance(child, ast.FunctionDef | ast.ClassDef):
                    inside = f"{where}.{child.name}" if where else child.name
                elif not where or isinstance(child, ast.JoinedStr | ast.Raise):
                    continue  # module level; text of errors (which error is what twin tests compare, by its condition)
                if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                    continue
                yield inside, child, node, field, i
                yield from walk(child, inside)

    yield from walk(tree, "")


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    tree, out, seen = parsed(module), [], Counter()
    names = known(module)
    for place, (function, node, *_rest) in enumerate(sites(tree)):
        for variant, (kind, new) in enumerate(variants(node)):
            if isinstance(new, ast.Name) and new.id not in names | _locals(tree, function):
                continue  # no such thing: the mistake would not run
            if isinstance(new, ast.Constant) and isinstance(new.value, str) and not new.value.isidentifier():
                continue
            before, after = ast.unparse(node), ast.unparse(new) if new is not None else "(dropped)"
            name = f"{module.rpartition('.')[2]}.{function}: {before} -> {after}"
            seen[name] += 1
            if seen[name] > 1:
                name += f" #{seen[name]}"
            out.append(Mutant(name, kind, getattr(node, "lineno", 0), module, place, variant))
    return out


def selection(everything: list[Mutant]) -> list[Mutant]:
    """A part of all mutants, the same each time: every rounding, then the other sites of sums spread evenly.

    Each module gives all it has, or an equal share of the room that is left, taken at equal distances of its source.
    Of a module without such sites any kind is taken. All are taken when there are not many more than the room.
    """
    if len(everything) <= SELECTED:
        return everything
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in everything:
        by_module[mutant.module].append(mutant)
    roundings = {mutant for mutant in everything if mutant.kind == "rounding"}
    wanted: dict[str, list[Mutant]] = {}
    for module, some in by_module.items():
        sums = [mutant for mutant in some if mutant.kind in ARITHMETIC and mutant not in roundings]
        wanted[module] = sums if sums or roundings & set(some) else some
    chosen, room = set(roundings), SELECTED - len(roundings)
    for left, module in zip(range(len(wanted), 0, -1), sorted(wanted, key=lambda m: (len(wanted[m]), m)), strict=True):
        some = wanted[module]
        share = min(len(some), max(1, room // left))
        chosen |= {some[i * len(some) // share] for i in range(share)} if some else set()
        room -= share
    return [mutant for mutant in everything if mutant in chosen]


def parsed(module: str) -> ast.Module:
    """A syntax tree of a module, to spoil; the module is not imported for it."""
    return copy.deepcopy(_parsed(module))


@cache
def _parsed(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text())


@cache
def known(module: str) -> set[str]:
    """Names a spoilt module may use: its own globals, and what its package and tidemill.units offer (see `Planted`)."""
    own = {name for node in _parsed(module).body for name in _bound(node)}
    return own | set(offered(module))


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    for child in ast.walk(node):
        if isinstance(child, ast.alias):
            yield child.asname or child.name
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return


def _locals(tree: ast.Module, function: str) -> set[str]:
    """Parameters and variables of the outermost function of that dotted name."""
    body: Any = tree
    for part in function.split("."):
        body = next((n for n in body.body if getattr(n, "name", None) == part), body)
    bound = {n.id for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return bound | {n.arg for n in ast.walk(body) if isinstance(n, ast.arg)}


@cache
def offered(module: str) -> tuple[str, ...]:
    """Names of tidemill.units and of the venue's rules, by module that has them."""
    package = module.rpartition(".")[0]
    units = parsed("tidemill.units.integers")
    names = [n.name for n in units.body if isinstance(n, ast.FunctionDef)]
    folder = Path(importlib.util.find_spec(package).submodule_search_locations[0])  # type: ignore[union-attr,index]
    for path in sorted(folder.glob("rules*.py")):
        names += [n.name for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)]
    return tuple(name for name in names if not name.startswith("_"))


def spoilt_source(mutant: Mutant) -> str:
    """The module's source with the mistake in it."""
    tree = parsed(mutant.module)
    _, node, parent, field, index = next(s for i, s in enumerate(sites(tree)) if i == mutant.place)
    _, new = list(variants(node))[mutant.variant]
    if new is None:
        new = ast.Pass()
    if index is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[index] = new
    needed = {new.id} if isinstance(new, ast.Name) else set()
    own = {name for part in tree.body for name in _bound(part)}
    source = ast.unparse(ast.fix_missing_locations(tree))
    for name in needed & (set(offered(mutant.module)) - own):
        source = source.replace(
            "from __future__ import annotations\n", f"from __future__ import annotations\n{_import(mutant, name)}\n", 1
        )
    return source


def _import(mutant: Mutant, name: str) -> str:
    package = mutant.module.rpartition(".")[0]
    folder = Path(importlib.util.find_spec(package).submodule_search_locations[0])  # type: ignore[union-attr,index]
    for path in sorted(folder.glob("rules*.py")):
        if any(getattr(n, "name", None) == name for n in ast.parse(path.read_text()).body):
            return f"from {package}.{path.stem} import {name}"
    return f"from tidemill.units import {name}"


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from spoilt source."""

    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source
        self.file = f"<mutant of {module}>"

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Answer for that module only."""
        if name != self.module:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=self.file)

    def exec_module(self, module: Any) -> None:
        """Run the spoilt source; rules read their own source, so it is left where they look."""
        linecache.cache[self.file] = (len(self.source), None, self.source.splitlines(True), self.file)
        exec(compile(self.source, self.file, "exec"), module.__dict__)


# -- running -----------------------------------------------------------------------------------------------------------


class Child(NamedTuple):
    """A process at work on one mutant (None: nothing planted), and the pipe on which it will say how it ended."""

    mutant: Mutant | None
    pid: int
    reader: int


def plant(venue: str, mutant: Mutant | None, seconds: int = SECONDS) -> Child:
    """Run the venue's twins with the mistake in a forked process that ends by itself after ``seconds`` of work."""
    source = spoilt_source(mutant) if mutant else ""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _be_child(venue, mutant, source, writer, seconds)
    os.close(writer)
    return Child(mutant, pid, reader)


def harvest(child: Child) -> Verdict:
    """Wait for a planted process and say how it ended."""
    with os.fdopen(child.reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status, used = os.wait4(child.pid, 0)
    timed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGPROF, signal.SIGALRM}
    how = said or ("time" if timed else "silence")
    return Verdict(how != "survived", how, used.ru_utime + used.ru_stime)


def run_one(venue: str, mutant: Mutant | None) -> Verdict:
    """Plant one and wait for it."""
    return harvest(plant(venue, mutant))


def _be_child(venue: str, mutant: Mutant | None, source: str, writer: int, seconds: int) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)  # its own time: a busy machine must not look like a kill
    signal.alarm(20 * seconds)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    if mutant:
        sys.meta_path.insert(0, Planted(mutant.module, source))
    said = "survived"
    try:
        importlib.import_module(f"twins.{venue}_mutants").run()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is noticed
        said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    os.write(writer, said.encode())
    os._exit(0)


def _judge(venue: str, chosen: list[Mutant], jobs: int, seconds: int) -> dict[str, Verdict]:
    """Run all, ``jobs`` processes at a time, and say how far it is."""
    verdicts: dict[str, Verdict] = {}
    waiting, running = list(reversed(chosen)), dict[int, Child]()
    began = said = time.monotonic()
    while waiting or running:
        while waiting and len(running) < jobs:
            child = plant(venue, waiting.pop(), seconds)
            running[child.reader] = child
        for reader in select.select(list(running), [], [], PROGRESS)[0]:
            child = running.pop(reader)
            assert child.mutant is not None
            verdicts[child.mutant.name] = verdict = harvest(child)
            if not verdict.noticed:
                print(f"  not noticed: {child.mutant.name}", flush=True)
        if (now := time.monotonic()) - said >= PROGRESS or not (waiting or running):
            said = now
            print(f"  {venue}: {len(verdicts)} of {len(chosen)} after {now - began:.0f} s", flush=True)
    return verdicts


def venues() -> list[str]:
    """Venues that have twins to spoil."""
    return sorted(p.stem.removesuffix("_mutants") for p in (ROOT / "tests" / "twins").glob("*_mutants.py"))


def report(venue: str, chosen: list[Mutant], verdicts: dict[str, Verdict], argued: dict[str, str], whole: bool) -> int:
    """Print the table; returns the number of complaints."""
    rows: dict[str, Counter[str]] = {mutant.module.rpartition(".")[2]: Counter() for mutant in chosen}
    complaints, claimed = [], set()
    for mutant in chosen:
        verdict = verdicts[mutant.name]
        claim = next((key for key in (mutant.name, _alike(mutant)) if key in argued), "")
        state = "killed" if verdict.noticed else "argued" if claim else "survived"
        claimed.add(claim)
        rows[mutant.module.rpartition(".")[2]][state] += 1
        if state == "survived":
            complaints.append(f"survived, line {mutant.line}: {mutant.name}")
        if verdict.noticed and claim:
            complaints.append(f"argued equivalent but noticed ({verdict.how}): {mutant.name}")
    if whole:
        gone = set(argued) - claimed
        complaints += [f"argued equivalent but not planted: {name}" for name in sorted(gone)]
    rows["all"] = sum(rows.values(), Counter())
    print(f"\n{venue:<20} {'killed':>8} {'survived':>9} {'argued':>8} {'planted':>8}")
    for module, row in rows.items():
        print(f"{module:<20} {row['killed']:>8} {row['survived']:>9} {row['argued']:>8} {row.total():>8}")
    if slow := sum(verdicts[mutant.name].how in {"time", "silence"} for mutant in chosen):
        print(f"  {slow} of the killed ran out of time or died without a word")
    for line in complaints:
        print(f"  {line}")
    return len(complaints)


def _alike(mutant: Mutant) -> str:
    """The key that argues for a mutant and all like it in its function."""
    return mutant.name.partition(" #")[0] + " #*"


def main() -> int:
    """Plant, run, report."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("venue", nargs="*", default=venues(), help=f"default: {' '.join(venues())}")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("--all", action="store_true", help="plant every one-token mistake, not a selection")
    options.add_argument("--only", default="", help="all of a file (model_pool.py), or whose name contains this")
    options.add_argument("--list", action="store_true", help="list mutants, run none")
    options.add_argument("--verbose", action="store_true", help="print each mutant and how it was noticed")
    asked = options.parse_args()
    os.environ["TIDEMILL_JIT"] = "0"
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    complaints = planted = 0
    for venue in asked.venue:
        twin = declared(venue)
        everything = [mutant for module in twin["MODULES"] for mutant in mutants_of(module)]
        some = everything if asked.all else selection(everything)
        if asked.only:
            some = [mutant for mutant in everything if _within(mutant, asked.only)]
        planted += len(some)
        if asked.list:
            print("\n".join(f"{mutant.kind:<12} {mutant.name}" for mutant in some))
        elif some:
            complaints += _run_venue(venue, some, len(everything), twin, asked.jobs, asked.verbose)
    if not planted:
        print(f"nothing to plant: no file or mutant is called {asked.only!r}; see --list --all")
    return 1 if complaints or not planted else 0


def _within(mutant: Mutant, wanted: str) -> bool:
    """Whether a mutant is in the file ``wanted``, or has that in its name."""
    if wanted.endswith(".py"):
        return f"{mutant.module.replace('.', '/')}.py".endswith(f"/{wanted.removeprefix('src/')}")
    return wanted in mutant.name


def _run_venue(venue: str, some: list[Mutant], of: int, twin: dict[str, Any], jobs: int, verbose: bool) -> int:
    """Run the mutants of a venue and print the table; returns the number of complaints."""
    for name in ("harness", *twin.get("NEEDED", ())):
        importlib.import_module(name)  # once, for all children; the venue itself is imported by each
    if early := [name for name in twin["MODULES"] if name in sys.modules]:
        raise SystemExit(f"{venue}: imported before anything could be planted: {', '.join(early)}")
    sound = run_one(venue, None)
    if sound.noticed:
        print(f"{venue}: the twins differ with nothing planted: {sound.how}")
        return 1
    print(
        f"{venue}: {len(some)} of {of} mistakes, {jobs} at a time; {sound.seconds:.1f} s where none is noticed",
        flush=True,
    )
    verdicts = _judge(venue, some, jobs, max(10, int(4 * sound.seconds)))
    if verbose:
        for mutant in some:
            print(f"{verdicts[mutant.name].seconds:5.1f} s  {mutant.name}\n         {verdicts[mutant.name].how}")
    return report(venue, some, verdicts, twin["EQUIVALENT"], whole=len(some) == of)


def declared(venue: str) -> dict[str, Any]:
    """``MODULES``, ``NEEDED`` and ``EQUIVALENT`` of a venue, read without importing what they spoil."""
    tree = ast.parse((ROOT / "tests" / "twins" / f"{venue}_mutants.py").read_text())
    out: dict[str, Any] = {}
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name in {"MODULES", "NEEDED", "EQUIVALENT"}:
                out[name] = ast.literal_eval(value)
    return out


if __name__ == "__main__":
    sys.exit(main())
