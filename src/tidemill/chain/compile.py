"""Contracts compiled on first use and kept in the user cache: our own, and packages that ship sources only.

The key is the sha256 of everything that decides the bytecode: compiler version, settings, and each source read.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import subprocess
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tidemill.chain.cache import cache_root, damaged_file, install_dir
from tidemill.errors import MissingArtefact

__all__ = ["Job", "Settings", "build", "reached", "source_dir"]

_SOLC_SECONDS = 600


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the Solidity compiler is told; Vyper is told ``evm`` alone. ``runs`` 0 switches the optimiser off."""

    runs: int = 200
    via_ir: bool = False
    evm: str = "cancun"


class Job(Struct, frozen=True):
    """One run of a compiler.

    Parameters
    ----------
    name : of its folder in the cache. compiler : e.g. ``solc 0.8.28``.
    contracts : source path by product, ``path:NAME`` where the contract in it has another name.
    sources : text by path, imports included (Vyper: the one source).
    remappings : import prefixes, as solc writes them (``prefix=path``).
    """

    name: str
    compiler: str
    contracts: Mapping[str, str]
    sources: Mapping[str, str]
    settings: Settings = field(default_factory=Settings)
    remappings: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Content hash (hex) of the job."""
        settings = [self.settings.runs, self.settings.via_ir, self.settings.evm]
        head = [self.compiler, json.dumps([settings, sorted(self.contracts.items()), self.remappings])]
        text = "\0".join([*head, *(f"{path}\n{source}" for path, source in sorted(self.sources.items()))])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def folder(self) -> Path:
        """Where its products lie, one ``NAME.json`` each."""
        return cache_root() / "compiled" / f"{self.name}-{self.key[:16]}"


def source_dir() -> Path:
    """Return the folder of our contract sources: inside the installed package, else the checkout's ``contracts/``."""
    installed = Path(str(resources.files("tidemill.chain"))) / "contracts"
    checkout = Path(__file__).resolve().parents[3] / "contracts"
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise MissingArtefact("the contract sources are not installed; reinstall tidemill")


_IMPORT = re.compile(r"""^\s*(?:import|\}\s*from)\b[^;'"]*['"]([^'"]+)['"]""", re.MULTILINE)


def reached(paths: Iterable[str], sources: Mapping[str, str], remappings: Mapping[str, str]) -> dict[str, str]:
    """Return the sources that ``paths`` need, themselves included: the rest of a package is neither read nor hashed.

    What an import names and ``sources`` lack is left to the compiler to name.
    """
    found: dict[str, str] = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path in found or path not in sources:
            continue
        found[path] = sources[path]
        for target in _IMPORT.findall(sources[path]):
            if target.startswith("."):
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
                continue
            prefix = next((before for before in remappings if target.startswith(f"{before}/")), "")
            waiting.append(remappings[prefix] + target.removeprefix(prefix) if prefix else target)
    return found


def build(job: Job, soljson: Path | None = None) -> Path:
    """Return the folder of a job's products, compiling unless the cache has them.

    ``soljson`` is the Solidity compiler. Each product holds ``abi``, ``bytecode``, ``deployedBytecode`` and
    ``linkReferences``.
    """
    if damaged_file(job.folder) is None:
        return job.folder

    def fill(folder: Path) -> Mapping[str, str]:
        if job.compiler.startswith("vyper"):
            made = {name: _vyper(path, job) for name, path in job.contracts.items()}
        else:
            if soljson is None:
                raise MissingArtefact(f"{job.name}: needs {job.compiler}; run `tidemill contracts fetch`")
            made = _solc(job, soljson)
        for name, product in made.items():
            (folder / f"{name}.json").write_text(json.dumps(product))
        return {"compiler": job.compiler, "name": job.name}

    install_dir(job.folder, fill)
    return job.folder


def _vyper(source: str, job: Job) -> dict[str, Any]:
    try:
        import vyper  # type: ignore[import-untyped]  # noqa: PLC0415  heavy, and only in the chain extra
        from vyper.compiler import compile_code  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise MissingArtefact(f"{source}: needs the Vyper compiler; install tidemill[chain]") from None
    wanted = job.compiler.split()[1]
    # Releases read "0.4.3+commit.…".
    if re.split(r"[+ ]", vyper.__version__)[0] != wanted:
        raise MissingArtefact(
            f"{source}: needs vyper {wanted}, installed is {vyper.__version__}; install tidemill[chain]"
        )
    formats = ["abi", "bytecode", "bytecode_runtime"]
    out = compile_code(job.sources[source], contract_path=source, output_formats=formats)
    return {"abi": out["abi"], "bytecode": out["bytecode"], "deployedBytecode": out["bytecode_runtime"]}


def _solc(job: Job, soljson: Path) -> dict[str, Any]:
    wanted: dict[str, dict[str, list[str]]] = {}
    for product, where in job.contracts.items():
        # Only what is asked for goes through the code generator: most of a package is never deployed.
        path, name = _placed(product, where)
        wanted.setdefault(path, {})[name] = ["abi", "evm.bytecode", "evm.deployedBytecode"]
    how = job.settings
    settings = {
        "optimizer": {"enabled": how.runs > 0, "runs": how.runs},
        "evmVersion": how.evm,
        "metadata": {"bytecodeHash": "none"},
        "remappings": job.remappings,
        "outputSelection": wanted,
        **({"viaIR": True} if how.via_ir else {}),  # compilers before 0.7.5 do not know the word
    }
    sources = {path: {"content": text} for path, text in job.sources.items()}
    task = {"language": "Solidity", "sources": sources, "settings": settings}
    out = _run_solc(job.name, task, soljson)
    errors = [e["formattedMessage"] for e in out.get("errors", ()) if e["severity"] == "error"]
    if errors:
        raise MissingArtefact(f"{job.name}: does not compile: {errors[0].splitlines()[0]}")
    made = {}
    for product, where in job.contracts.items():
        path, name = _placed(product, where)
        try:
            found = out["contracts"][path][name]
        except KeyError:
            raise MissingArtefact(f"{job.name}: solc gave no contract {name} of {path}") from None
        code = found["evm"]["bytecode"]
        made[product] = {
            "abi": found["abi"],
            "bytecode": "0x" + code["object"],
            "deployedBytecode": "0x" + found["evm"]["deployedBytecode"]["object"],
            "linkReferences": code.get("linkReferences", {}),
        }
    return made


def _placed(product: str, where: str) -> tuple[str, str]:
    """Source and contract of a product."""
    path, _, name = where.partition(":")
    return path, name or product


def _run_solc(name: str, task: Mapping[str, Any], soljson: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("solc_run.js")
    try:
        done = subprocess.run(
            ["node", str(script), str(soljson)],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=_SOLC_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise MissingArtefact(f"{name}: node is not on the PATH; install node 20 or later") from None
    except subprocess.TimeoutExpired:
        raise MissingArtefact(f"{name}: solc did not finish in {_SOLC_SECONDS} s") from None
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        why = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise MissingArtefact(f"{name}: solc gave no answer ({why})") from None
    return answer
