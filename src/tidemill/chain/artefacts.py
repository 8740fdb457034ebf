"""Real contract bytecode by name, from a pinned catalogue (``artefacts.toml``) and the user cache.

Packages come through the npm client, are checked by sha256, and only the few files named in the catalogue are kept.
Nothing here touches the network unless ``fetch`` is called.
"""

from __future__ import annotations

import os
import platform
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
from tidemill.errors import MissingArtefact, UnknownName

__all__ = ["Artefact", "Row", "anvil_path", "artefact", "available", "fetch", "ls"]

_FIX = "run `tidemill contracts fetch`"
Progress = Callable[[str], None]


class Artefact(Struct, frozen=True):
    """A contract as a compiler leaves it.

    ``bytecode`` creates it (append the encoded constructor arguments), ``deployed_bytecode`` is what then stands on
    chain, empty where the package ships none. ``link_references`` maps source to library to places to fill in; empty
    when nothing needs linking. ``origin`` is ``package@version`` or our own source.
    """

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes
    link_references: Mapping[str, Any]
    origin: str


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
    platform: str = ""
    executable: bool = False

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def folder(self) -> Path:
        slug = self.name.lstrip("@").replace("/", "-")
        return cache_root() / "packages" / f"{slug}-{self.version}-{self.sha256[:12]}"

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.artefacts.values(), *self.sources)


class _Compiled(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    source: str
    package: str = ""


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
            tell(f"compile {own.source} ({compiling.COMPILERS[Path(own.source).suffix]})")
            _build(own)
    except OSError as error:
        raise MissingArtefact(
            f"cache {cache_root()}: {error.strerror}; make room there or set TIDEMILL_CACHE"
        ) from None
    artefact.cache_clear()
    wanted = {p.name for p in packages} | {f"contracts/{c.source}" for c in compiled}
    return [row for row in ls() if row.package in wanted]


def ls() -> list[Row]:
    """Return the whole catalogue for this platform, packages first, then our own contracts."""
    rows = [
        Row(p.name, p.version, p.sha256, p.licence, damaged_file(p.folder) is None, tuple(p.artefacts), p.note)
        for p in _packages_here()
    ]
    for own in _catalogue().compiled:
        compiler = compiling.COMPILERS[Path(own.source).suffix]
        try:
            key = compiling.build_key(own.source, _libraries(own))
        except MissingArtefact:  # its libraries are not fetched yet, so neither is it built
            key = ""
        done = bool(key) and damaged_file(cache_root() / "compiled" / f"{own.name}-{key[:16]}") is None
        rows.append(Row(f"contracts/{own.source}", compiler, key, "Apache-2.0", done, (own.name,), "ours, test only"))
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
        if name == own.name:
            return _load(name, _build(own), f"contracts/{own.source}")
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
    return [n for p in _catalogue().package for n in p.artefacts] + [c.name for c in _catalogue().compiled]


def _select(names: Iterable[str] | None) -> tuple[list[_Package], list[_Compiled]]:
    packages, compiled = _packages_here(), list(_catalogue().compiled)
    if names is None:
        return packages, compiled
    wanted = set(names)
    for name in sorted(wanted):
        if name not in {*_names(), *(p.name for p in packages), "anvil"}:
            raise UnknownName("contract artefact", name, [*_names(), "anvil"])
    own = [c for c in compiled if c.name in wanted]
    needs = {c.package for c in own if c.package} | ({"solc"} if any(c.source.endswith(".sol") for c in own) else set())
    chosen = [
        p
        for p in packages
        if p.name in wanted | needs or wanted & p.artefacts.keys() or (p.executable and "anvil" in wanted)
    ]
    return chosen, own


def _install(package: _Package) -> None:
    def fill(folder: Path) -> Mapping[str, str]:
        npm.extract(tarball, package.files, folder)
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


def _libraries(own: _Compiled) -> dict[str, str]:
    if not own.package:
        return {}
    package = next(p for p in _catalogue().package if p.name == own.package)
    _check(package)
    return {f"{package.name}/{path}": (package.folder / path).read_text() for path in package.sources}


def _build(own: _Compiled) -> Path:
    soljson = None
    if own.source.endswith(".sol"):
        solc = next(p for p in _catalogue().package if p.name == "solc")
        _check(solc)
        soljson = solc.folder / solc.sources[0]
    return compiling.build(own.name, own.source, _libraries(own), soljson)


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
    # Unlinked code holds placeholders; it stays usable for its ABI, and deploying it fails on its link references.
    text = code.removeprefix("0x")
    return bytes.fromhex(text) if "_" not in text else b""
