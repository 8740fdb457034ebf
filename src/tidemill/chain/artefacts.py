"""Real contract bytecode by name, from a pinned catalogue (``artefacts.toml``) and the user cache.

Packages come through the npm client, are checked by sha256, and only the few files named in the catalogue are kept.
Nothing here touches the network unless ``fetch`` is called.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from tidemill.chain import compile as compiling
from tidemill.chain import npm
from tidemill.chain.cache import cache_root, damaged_file, install_dir, scratch_dir
from tidemill.errors import BadInput, MissingArtefact, UnknownName

__all__ = ["Artefact", "Row", "anvil_path", "artefact", "available", "fetch", "ls"]

_FIX = "run `tidemill contracts fetch`"
_COMPILERS = {".vy": "vyper 0.4.3", ".sol": "solc 0.8.28"}  # pinned, by source suffix, where a row names none
Progress = Callable[[str], None]


class Artefact(Struct, frozen=True):
    """A contract as a compiler leaves it.

    ``bytecode`` creates it (append the encoded constructor arguments), ``deployed_bytecode`` is what then stands on
    chain, empty where the package ships none. ``link_references`` maps source to library to places to fill in (zeros in
    the code until `linked`); empty when nothing needs linking. ``origin`` is ``package@version`` or our own source.
    """

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes
    link_references: Mapping[str, Any]
    origin: str

    @property
    def libraries(self) -> tuple[str, ...]:
        """Names of the libraries it must be linked with."""
        return tuple(sorted({name for places in self.link_references.values() for name in places}))

    def linked(self, libraries: Mapping[str, str]) -> bytes:
        """Return the creation code with the addresses of ``libraries`` (by name) written in.

        Raises ``BadInput`` naming a library that is not given.
        """
        code = bytearray(self.bytecode)
        for places in self.link_references.values():
            for name, spots in places.items():
                if name not in libraries:
                    raise BadInput(f"{self.name}: needs linking with {name}, which is not among {sorted(libraries)}")
                for spot in spots:
                    code[spot["start"] : spot["start"] + spot["length"]] = bytes.fromhex(libraries[name][2:])
        return bytes(code)


class Row(Struct, frozen=True):
    """One line of ``tidemill contracts ls``. ``cached`` is ``False`` when absent, damaged, or not yet compiled."""

    package: str
    version: str
    sha256: str
    licence: str
    cached: bool
    artefacts: tuple[str, ...]
    note: str = ""


class _Package(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: str
    sha256: str
    licence: str
    note: str = ""
    artefacts: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    solidity: tuple[str, ...] = ()  # folders whose Solidity sources are all kept
    platform: str = ""
    executable: bool = False

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def folder(self) -> Path:
        # The files kept are part of the name: a catalogue that wants more of a package finds it absent, not damaged.
        slug = self.name.lstrip("@").replace("/", "-")
        kept = hashlib.sha256("\n".join([self.sha256, *self.files, *self.solidity]).encode()).hexdigest()
        return cache_root() / "packages" / f"{slug}-{self.version}-{kept[:12]}"

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.artefacts.values(), *self.sources)


class _Compiled(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    contracts: dict[str, str]  # source by contract, inside the package, or inside contracts/
    package: str = ""  # whose sources these are; ours when empty
    imports: dict[str, str] = field(default_factory=dict)  # import prefix -> package, or package/folder
    compiler: str = ""
    settings: compiling.Settings = field(default_factory=compiling.Settings)

    @property
    def label(self) -> str:
        """What `ls` calls it."""
        return self.package or f"contracts/{next(iter(self.contracts.values()))}"

    @property
    def tool(self) -> str:
        """The compiler and its version."""
        return self.compiler or _COMPILERS[Path(next(iter(self.contracts.values()))).suffix]

    @property
    def needs(self) -> set[str]:
        """Specs of the packages that it is made of, the compiler's included."""
        tool, version = self.tool.split()
        used = {self.package, *(_owner(target) for target in self.imports.values())} - {""}
        specs = {p.spec for p in _catalogue().package if p.name in used}
        return specs | ({f"solc@{version}"} if tool == "solc" else set())


class _Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    package: tuple[_Package, ...]
    compiled: tuple[_Compiled, ...]


def fetch(names: Iterable[str] | None = None, *, progress: Progress | None = None) -> list[Row]:
    """Bring packages into the cache and compile our own contracts; what is already sound is left alone.

    Parameters
    ----------
    names : artefact or package names; all of the catalogue when ``None``.
    progress : called with one line per piece of work.

    Raises ``MissingArtefact`` (offline, no npm, wrong sha256) or ``UnknownName``.
    """
    tell = progress or (lambda _line: None)
    packages, compiled = _select(names)
    try:
        for package in packages:
            if damaged_file(package.folder) is None:
                continue
            tell(f"fetch {package.spec} ({package.licence})")
            _install(package)
        for own in compiled:
            if damaged_file(_job(own).folder) is None:
                continue
            tell(f"compile {own.label} ({own.tool})")
            _build(own)
    except OSError as error:
        raise MissingArtefact(
            f"cache {cache_root()}: {error.strerror}; make room there or set TIDEMILL_CACHE"
        ) from None
    artefact.cache_clear()
    wanted = {(p.name, p.version) for p in packages} | {(c.label, c.tool) for c in compiled}
    return [row for row in ls() if (row.package, row.version) in wanted]


def ls() -> list[Row]:
    """Return the whole catalogue for this platform, packages first, then our own contracts."""
    rows = [
        Row(p.name, p.version, p.sha256, p.licence, damaged_file(p.folder) is None, tuple(p.artefacts), p.note)
        for p in _packages_here()
    ]
    licences = {p.name: p.licence for p in _catalogue().package}
    for own in _catalogue().compiled:
        try:
            job = _job(own)
        except MissingArtefact:  # its sources are not fetched yet, so neither is it built
            job = None
        done = job is not None and damaged_file(job.folder) is None
        note = f"compiled from {own.package}" if own.package else "ours, test only"
        licence = licences.get(own.package, "Apache-2.0")
        rows.append(Row(own.label, own.tool, job.key if job else "", licence, done, tuple(own.contracts), note))
    return rows


def available(*names: str) -> bool:
    """Return whether all these artefacts can be had without the network (compiling our own if needed)."""
    try:
        for name in names:
            artefact(name)
    except MissingArtefact:
        return False
    return True


@cache
def artefact(name: str) -> Artefact:
    """Return a contract by name, e.g. ``artefact("UniswapV3Pool")``; reads the cache only.

    Raises ``MissingArtefact`` with the fix when it is absent or damaged, ``UnknownName`` when no such name exists.
    """
    for package in _catalogue().package:
        if name in package.artefacts:
            _check(package)
            return _load(name, package.folder / package.artefacts[name], package.spec)
    for own in _catalogue().compiled:
        if name in own.contracts:
            return _load(name, _build(own) / f"{name}.json", own.label)
    raise UnknownName("contract artefact", name, _names())


def anvil_path() -> Path:
    """Return the local chain's executable: ``TIDEMILL_ANVIL`` if set, else the one in the cache.

    Raises ``MissingArtefact`` where none is fetched, or none is pinned for this platform.
    """
    if own := os.environ.get("TIDEMILL_ANVIL"):
        path = Path(own)
        if not os.access(path, os.X_OK):
            raise MissingArtefact(f"TIDEMILL_ANVIL: {own} is not an executable file")
        return path
    for package in _packages_here():
        if package.executable:
            _check(package)
            return package.folder / package.sources[0]
    raise MissingArtefact(f"no anvil is pinned for {_platform()}; set TIDEMILL_ANVIL to an executable of anvil 1.7.1")


@cache
def _catalogue() -> _Catalogue:
    text = resources.files("tidemill.chain").joinpath("artefacts.toml").read_text()
    return msgspec.convert(tomllib.loads(text), _Catalogue)


def _platform() -> str:
    return f"{sys.platform}-{platform.machine()}"


def _packages_here() -> list[_Package]:
    return [p for p in _catalogue().package if p.platform in ("", _platform())]


def _names() -> list[str]:
    return [n for p in _catalogue().package for n in p.artefacts] + [
        n for c in _catalogue().compiled for n in c.contracts
    ]


def _select(names: Iterable[str] | None) -> tuple[list[_Package], list[_Compiled]]:
    packages, compiled = _packages_here(), list(_catalogue().compiled)
    if names is None:
        return packages, compiled
    wanted = set(names)
    for name in sorted(wanted):
        if name not in {*_names(), *(p.name for p in packages), "anvil"}:
            raise UnknownName("contract artefact", name, [*_names(), "anvil"])
    own = [c for c in compiled if wanted & c.contracts.keys()]
    needs = {spec for c in own for spec in c.needs}
    chosen = [
        p
        for p in packages
        if p.name in wanted or p.spec in needs or wanted & p.artefacts.keys() or (p.executable and "anvil" in wanted)
    ]
    return chosen, own


def _install(package: _Package) -> None:
    def fill(folder: Path) -> Mapping[str, str]:
        npm.extract(tarball, package.files, folder, package.solidity)
        if package.executable:
            (folder / package.sources[0]).chmod(0o755)
        return {
            "package": package.name,
            "version": package.version,
            "sha256": package.sha256,
            "licence": package.licence,
        }

    with scratch_dir(package.folder) as scratch:
        tarball = npm.pack(package.spec, package.sha256, scratch)
        install_dir(package.folder, fill)


def _check(package: _Package) -> None:
    if not package.folder.is_dir():
        raise MissingArtefact(f"{package.spec} is not in the cache; {_FIX}")
    if damaged := damaged_file(package.folder):
        raise MissingArtefact(f"{package.spec} is damaged in the cache ({damaged}); {_FIX}")


def _package(name: str, version: str = "") -> _Package:
    for package in _catalogue().package:
        if package.name == name and version in ("", package.version):
            return package
    raise MissingArtefact(f"the catalogue holds no package {name} {version}")


def _owner(target: str) -> str:
    """Name of the package that an import target lies in."""
    return "/".join(target.split("/")[: 2 if target.startswith("@") else 1])


def _sources(package: _Package) -> dict[str, str]:
    """Solidity sources of a package by ``package/path``."""
    _check(package)
    files = sorted(package.folder.rglob("*.sol"))
    return {f"{package.name}/{path.relative_to(package.folder).as_posix()}": path.read_text() for path in files}


def _job(own: _Compiled) -> compiling.Job:
    """Everything that decides the bytecode; raises ``MissingArtefact`` where a source is not in the cache."""
    prefix = f"{own.package}/" if own.package else ""
    contracts = {name: prefix + path for name, path in own.contracts.items()}
    sources = _sources(_package(own.package)) if own.package else {}
    if not own.package:
        sources = {path: (compiling.source_dir() / path).read_text() for path in own.contracts.values()}
    for target in own.imports.values():
        sources |= _sources(_package(_owner(target)))
    remapped = {before: after for before, after in own.imports.items() if before != after}
    if own.tool.startswith("solc"):
        sources = compiling.reached((path.partition(":")[0] for path in contracts.values()), sources, remapped)
    remappings = tuple(f"{before}/={after}/" for before, after in remapped.items())
    return compiling.Job(own.name, own.tool, contracts, sources, own.settings, remappings)


def _build(own: _Compiled) -> Path:
    job, soljson = _job(own), None
    if damaged_file(job.folder) is None:
        return job.folder
    if own.tool.startswith("solc"):
        solc = _package(*own.tool.split())
        _check(solc)
        soljson = solc.folder / solc.sources[0]
    return compiling.build(job, soljson)


def _load(name: str, path: Path, origin: str) -> Artefact:
    try:
        raw = msgspec.json.decode(path.read_bytes())
        links = raw.get("linkReferences") or {}
        # Foundry nests the code in objects, truffle and hardhat give strings, waffle has both under "evm".
        code = raw["bytecode"]
        if isinstance(code, dict):
            links, code = code.get("linkReferences") or links, code["object"]
        deployed = raw.get("deployedBytecode") or raw.get("evm", {}).get("deployedBytecode") or ""
        if isinstance(deployed, dict):
            deployed = deployed["object"]
        return Artefact(name, tuple(raw["abi"]), _unhex(code), _unhex(deployed), links, origin)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise MissingArtefact(f"{name}: {origin} has an artefact of unknown shape ({error!r})") from None


def _unhex(code: str) -> bytes:
    # Unlinked code holds placeholders of 40 characters, "__…": zeros, until `linked` writes addresses there.
    return bytes.fromhex(re.sub("__.{38}", "0" * 40, code.removeprefix("0x")))
