"""Our own contracts, compiled on first use and kept in the user cache.

The key is the sha256 of everything that decides the bytecode: compiler version, settings, and each source read.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from tidemill.chain.cache import cache_root, damaged_file, install_dir
from tidemill.errors import MissingArtefact

__all__ = ["COMPILERS", "build", "build_key", "source_dir"]

COMPILERS = {".vy": "vyper 0.4.3", ".sol": "solc 0.8.28"}
"""Pinned compiler by source suffix."""

_EVM = "cancun"
_SOLC_SETTINGS = {
    "optimizer": {"enabled": True, "runs": 200},
    "evmVersion": _EVM,
    "metadata": {"bytecodeHash": "none"},
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode", "evm.deployedBytecode"]}},
}
_SOLC_SECONDS = 300


def source_dir() -> Path:
    """Return the folder of our contract sources: inside the installed package, else the checkout's ``contracts/``."""
    installed = Path(str(resources.files("tidemill.chain"))) / "contracts"
    checkout = Path(__file__).resolve().parents[3] / "contracts"
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise MissingArtefact("the contract sources are not installed; reinstall tidemill")


def build_key(source: str, libraries: Mapping[str, str]) -> str:
    """Return the content hash (hex) of a build. ``libraries`` maps import path to source text."""
    path = source_dir() / source
    suffix = path.suffix
    parts = [COMPILERS[suffix], json.dumps(_SOLC_SETTINGS, sort_keys=True) if suffix == ".sol" else _EVM]
    parts += [source, path.read_text(), *(f"{name}\n{text}" for name, text in sorted(libraries.items()))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def build(name: str, source: str, libraries: Mapping[str, str], soljson: Path | None) -> Path:
    """Return the cached JSON (``abi``, ``bytecode``, ``deployedBytecode``) of contract ``name``, compiling if needed.

    Parameters
    ----------
    source : file name in ``contracts/``.
    libraries : sources it imports, by import path (Solidity only).
    soljson : the Solidity compiler, for ``.sol`` sources.
    """
    target = cache_root() / "compiled" / f"{name}-{build_key(source, libraries)[:16]}"
    product = target / f"{name}.json"
    if damaged_file(target) is None:
        return product

    def fill(folder: Path) -> Mapping[str, str]:
        if source.endswith(".vy"):
            made = _vyper(source)
        else:
            if soljson is None:
                raise MissingArtefact(f"{source}: needs solc; run `tidemill contracts fetch`")
            made = _solc(name, source, libraries, soljson)
        (folder / product.name).write_text(json.dumps(made))
        return {"compiler": COMPILERS[Path(source).suffix], "source": source}

    install_dir(target, fill)
    return product


def _vyper(source: str) -> dict[str, Any]:
    try:
        import vyper  # type: ignore[import-untyped]  # noqa: PLC0415  heavy, and only in the chain extra
        from vyper.compiler import compile_code  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise MissingArtefact(f"{source}: needs the Vyper compiler; install tidemill[chain]") from None
    wanted = COMPILERS[".vy"].split()[1]
    # Releases read "0.4.3+commit.…".
    if re.split(r"[+ ]", vyper.__version__)[0] != wanted:
        raise MissingArtefact(
            f"{source}: needs vyper {wanted}, installed is {vyper.__version__}; install tidemill[chain]"
        )
    path = source_dir() / source
    out = compile_code(path.read_text(), contract_path=source, output_formats=["abi", "bytecode", "bytecode_runtime"])
    return {"abi": out["abi"], "bytecode": out["bytecode"], "deployedBytecode": out["bytecode_runtime"]}


def _solc(name: str, source: str, libraries: Mapping[str, str], soljson: Path) -> dict[str, Any]:
    texts = {source: (source_dir() / source).read_text(), **libraries}
    job = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in texts.items()},
        "settings": _SOLC_SETTINGS,
    }
    script = Path(__file__).with_name("solc_run.js")
    try:
        done = subprocess.run(
            ["node", str(script), str(soljson)],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=_SOLC_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise MissingArtefact(f"{source}: node is not on the PATH; install node 20 or later") from None
    except subprocess.TimeoutExpired:
        raise MissingArtefact(f"{source}: solc did not finish in {_SOLC_SECONDS} s") from None
    try:
        out = json.loads(done.stdout)
        errors = [e["formattedMessage"] for e in out.get("errors", ()) if e["severity"] == "error"]
        if errors:
            raise MissingArtefact(f"{source}: does not compile: {errors[0].splitlines()[0]}")
        made = out["contracts"][source][name]
    except (ValueError, KeyError) as error:
        raise MissingArtefact(f"{source}: solc gave no contract {name} ({error!r})") from None
    return {
        "abi": made["abi"],
        "bytecode": "0x" + made["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + made["evm"]["deployedBytecode"]["object"],
    }
