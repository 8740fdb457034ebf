"""The catalogue, the cache and the npm client: what is kept, what is refused, and who may run at once."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import msgspec
import pytest

from tidemill.chain import artefacts, npm
from tidemill.chain.artefacts import Artefact, artefact, fetch, ls
from tidemill.chain.cache import MANIFEST, cache_root, damaged_file, install_dir, sha256_of
from tidemill.errors import BadInput, MissingArtefact, UnknownName

JSON = {"abi": [{"type": "function", "name": "f", "inputs": []}], "bytecode": "0x6001", "deployedBytecode": "0x60"}


def _tarball(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm of our own on the PATH (a stand-in: the real client needs its registry), one package, an empty cache."""
    shelf = _tarball(
        tmp_path / "shelf.tgz", {"package/build/Thing.json": json.dumps(JSON).encode(), "package/x": b"no"}
    )
    tools = tmp_path / "tools"
    tools.mkdir()
    script = tools / "npm"
    script.write_text(
        f"#!{sys.executable}\nimport os, shutil, sys\n"
        "if os.path.exists(os.environ['SHELF'] + '.offline'):\n"
        "    print('npm error code ENOTFOUND\\nnpm error at https://user:SECRET@registry/', file=sys.stderr)\n"
        "    sys.exit(1)\n"
        "target = sys.argv[sys.argv.index('--pack-destination') + 1]\n"
        "shutil.copy(os.environ['SHELF'], target + '/thing-1.0.0.tgz')\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("SHELF", str(shelf))
    monkeypatch.setenv("TIDEMILL_CACHE", str(tmp_path / "cache"))
    _catalogue(monkeypatch, sha256_of(shelf))
    return shelf


def _catalogue(monkeypatch: pytest.MonkeyPatch, sha256: str, artefact_path: str = "build/Thing.json") -> None:
    package = {
        "name": "@us/thing",
        "version": "1.0.0",
        "sha256": sha256,
        "licence": "MIT",
        "artefacts": {"Thing": artefact_path},
    }
    made = msgspec.convert({"package": [package], "compiled": []}, artefacts._Catalogue)
    monkeypatch.setattr(artefacts, "_catalogue", lambda: made)
    artefact.cache_clear()


def test_fetch_keeps_only_what_is_named(registry: Path) -> None:
    assert [row.cached for row in ls()] == [False]
    with pytest.raises(MissingArtefact, match=r"@us/thing@1\.0\.0 is not in the cache; run `tidemill contracts fetch`"):
        artefact("Thing")
    told: list[str] = []
    (row,) = fetch(progress=told.append)
    assert row.cached and told == ["fetch @us/thing@1.0.0 (MIT)"]
    assert artefact("Thing") == Artefact("Thing", tuple(JSON["abi"]), b"\x60\x01", b"\x60", {}, "@us/thing@1.0.0")
    kept = sorted(p.relative_to(cache_root()).as_posix() for p in cache_root().rglob("*") if p.is_file())
    assert [k.split("/", 2)[2] for k in kept] == ["build/Thing.json", MANIFEST]
    told.clear()
    fetch(["Thing"], progress=told.append)
    assert told == []


def test_what_is_fetched_needs_no_network_any_more(registry: Path) -> None:
    fetch()
    Path(f"{registry}.offline").touch()
    assert fetch()[0].cached
    artefact.cache_clear()
    assert artefact("Thing").bytecode


def test_offline_is_one_line_with_the_fix_and_no_secret(registry: Path) -> None:
    Path(f"{registry}.offline").touch()
    with pytest.raises(MissingArtefact, match=r"npm could not fetch it \(ENOTFOUND\); check the network") as caught:
        fetch()
    assert "SECRET" not in str(caught.value) and "\n" not in str(caught.value)
    assert list((cache_root() / "packages").iterdir()) == []


def test_no_npm_is_one_line(registry: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingArtefact, match="npm is not on the PATH; install node 20"):
        fetch()


def test_a_cache_that_cannot_be_written_is_one_line(
    registry: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TIDEMILL_CACHE", str(tmp_path / "file"))
    with pytest.raises(MissingArtefact, match=r"cache .*file: .*; make room there or set TIDEMILL_CACHE"):
        fetch()


def test_a_tarball_that_is_not_the_pinned_one_is_refused(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _catalogue(monkeypatch, "0" * 64)
    with pytest.raises(MissingArtefact, match=r"tarball has sha256 [0-9a-f]{64}, pinned is 0{64}; refused"):
        fetch()
    assert list((cache_root() / "packages").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "gone", "manifest"])
def test_damage_is_named_and_mended(registry: Path, damage: str) -> None:
    fetch()
    (file,) = cache_root().rglob("Thing.json")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-5])
    elif damage == "gone":
        file.unlink()
    else:
        (file.parents[1] / MANIFEST).write_text("{")
    artefact.cache_clear()
    with pytest.raises(MissingArtefact, match="is damaged in the cache"):
        artefact("Thing")
    assert [row.cached for row in ls()] == [False]
    fetch()
    assert artefact("Thing").bytecode == b"\x60\x01"
    assert [p.name for p in (cache_root() / "packages").iterdir() if p.name.startswith(".")] == []


def test_unknown_names_name_the_nearest(registry: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'Thing'"):
        artefact("Thin")
    with pytest.raises(UnknownName, match="did you mean 'Thing'"):
        fetch(["Thng"])


@pytest.mark.parametrize("content", [b"{}", b"no json", b'{"abi": [], "bytecode": 5}', b"[1]"])
def test_an_artefact_of_unknown_shape_is_one_line(
    registry: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    _tarball(registry, {"package/build/Thing.json": content})
    _catalogue(monkeypatch, sha256_of(registry))
    fetch()
    with pytest.raises(MissingArtefact, match="unknown shape"):
        artefact("Thing")


# -- hostile archives ----------------------------------------------------------------------------------------------


def test_only_named_regular_files_are_written(tmp_path: Path) -> None:
    hostile = _tarball(
        tmp_path / "t.tgz",
        {"package/../../evil": b"x", "/abs": b"x", "package/good": b"fine", "package/sub/../up": b"x"},
        {"package/link": "/etc/passwd"},
    )
    out = tmp_path / "out"
    out.mkdir()
    npm.extract(hostile, ["good"], out)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["good", "t.tgz"]
    for name in ("link", "missing"):
        with pytest.raises(MissingArtefact, match="holds no file"):
            npm.extract(hostile, [name], out)
    for name in ("../../evil", "/abs", "sub/../up"):
        with pytest.raises(MissingArtefact, match="outside the cache"):
            npm.extract(hostile, [name], out)


# -- many at once --------------------------------------------------------------------------------------------------


def test_concurrent_installs_leave_one_sound_folder(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "thing"
    start = threading.Barrier(8)
    failures = []

    def fill(folder: Path) -> dict[str, str]:
        (folder / "a").write_text("same")
        start.wait(5)  # all are at work at once
        return {"who": "any"}

    def install() -> None:
        try:
            install_dir(target, fill)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=install) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert damaged_file(target) is None
    assert [p.name for p in target.parent.iterdir()] == ["thing"]


def test_a_failing_install_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> dict[str, str]:
        (folder / "half").write_text("x")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        install_dir(tmp_path / "thing", fill)
    assert list(tmp_path.iterdir()) == []


# -- the real catalogue --------------------------------------------------------------------------------------------


def test_the_catalogue_is_pinned_and_names_no_host() -> None:
    text = Path(artefacts.__file__).with_name("artefacts.toml").read_text()
    assert "://" not in text
    for package in artefacts._catalogue().package:
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", package.version)
        assert package.licence and (package.files or package.solidity)
    names = artefacts._names()
    assert len(names) == len(set(names)) >= 13


@pytest.mark.chain
def test_every_artefact_loads_and_has_code() -> None:
    for name in artefacts._names():
        made = artefact(name)
        assert made.bytecode and made.abi, name
        assert made.deployed_bytecode or name == "VotingEscrow", name  # its package ships creation code only
    # Creation code of the pool as deployed everywhere; the periphery computes addresses from this hash.
    from eth_hash.auto import keccak

    init_hash = keccak(artefact("UniswapV3Pool").bytecode).hex()
    assert init_hash == "e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54"


@pytest.mark.chain
def test_compiled_contracts_follow_their_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidemill.chain import compile as compiling

    text = (compiling.source_dir() / "TestToken.vy").read_text()
    changed = text.replace('"balance"', '"too little"')
    monkeypatch.setenv("TIDEMILL_CACHE", str(tmp_path / "cache"))
    jobs = [
        compiling.Job("TestToken", "vyper 0.4.3", {"TestToken": "TestToken.vy"}, {"TestToken.vy": source})
        for source in (text, changed)
    ]
    assert jobs[0].key != jobs[1].key
    built = compiling.build(jobs[1]) / "TestToken.json"
    assert b"too little" in bytes.fromhex(json.loads(built.read_text())["bytecode"][2:])
    broken = compiling.Job("Broken", "solc 0.8.28", {"Broken": "Broken.sol"}, {"Broken.sol": "contract Broken {"})
    with pytest.raises(MissingArtefact, match="Broken: needs solc 0.8.28"):
        compiling.build(broken)
    solc = artefacts._package("solc", "0.8.28")
    monkeypatch.undo()
    with pytest.raises(MissingArtefact, match="Broken: does not compile: "):
        compiling.build(broken, solc.folder / solc.sources[0])


def test_everything_that_decides_the_code_is_in_the_key() -> None:
    from tidemill.chain.compile import Job, Settings

    plain = Job("n", "solc 0.8.28", {"A": "a.sol"}, {"a.sol": "x"})
    others = [
        Job("n", "solc 0.8.19", {"A": "a.sol"}, {"a.sol": "x"}),
        Job("n", "solc 0.8.28", {"A": "b.sol"}, {"a.sol": "x"}),
        Job("n", "solc 0.8.28", {"A": "a.sol"}, {"a.sol": "y"}),
        Job("n", "solc 0.8.28", {"A": "a.sol"}, {"a.sol": "x", "b.sol": ""}),
        Job("n", "solc 0.8.28", {"A": "a.sol"}, {"a.sol": "x"}, remappings=("p/=q/",)),
        *(
            Job("n", "solc 0.8.28", {"A": "a.sol"}, {"a.sol": "x"}, settings)
            for settings in (Settings(runs=1), Settings(via_ir=True), Settings(evm="paris"))
        ),
    ]
    assert len({job.key for job in [plain, *others]}) == 1 + len(others)


def test_only_what_a_contract_reaches_is_read() -> None:
    from tidemill.chain.compile import reached

    sources = {
        "p/src/A.sol": 'import "./b/B.sol";\nimport {X, Y} from "q/C.sol";\n// import "p/src/No.sol";\ncontract A {}',
        "p/src/b/B.sol": "import {\n  D\n} from '../D.sol';\nimport * as E from 'lib/contracts/E.sol';",
        "p/src/D.sol": "string constant x = \"import 'p/src/No.sol'\";",
        "p/src/No.sol": "",
        "q/C.sol": 'import "p/src/A.sol";',
        "oz/E.sol": 'import "absent/F.sol";',
    }
    found = reached(["p/src/A.sol"], sources, {"lib/contracts": "oz"})
    assert set(found) == set(sources) - {"p/src/No.sol"}
    assert all(found[path] == sources[path] for path in found)


@pytest.mark.chain
def test_a_product_may_have_another_name_than_its_contract() -> None:
    older, newer = artefact("SupplyLogic"), artefact("SupplyLogic36")
    assert older.bytecode != newer.bytecode
    assert artefact("PoolInstance").libraries == (
        "BorrowLogic",
        "FlashLoanLogic",
        "LiquidationLogic",
        "PoolLogic",
        "SupplyLogic",
    )


def test_linking_writes_addresses_where_the_compiler_left_room() -> None:
    code = bytes(2) + bytes(20) + b"\x01" + bytes(20)
    places = {"lib.sol": {"Lib": [{"start": 2, "length": 20}]}, "other.sol": {"Other": [{"start": 23, "length": 20}]}}
    made = Artefact("Thing", (), code, b"", places, "")
    assert made.libraries == ("Lib", "Other")
    linked = made.linked({"Lib": "0x" + "ab" * 20, "Other": "0x" + "cd" * 20})
    assert linked == bytes(2) + b"\xab" * 20 + b"\x01" + b"\xcd" * 20
    with pytest.raises(BadInput, match="Thing: needs linking with Other"):
        made.linked({"Lib": "0x" + "ab" * 20})
    assert artefacts._unhex("0x60__$" + "a" * 34 + "$__61") == b"\x60" + bytes(20) + b"\x61"


def test_a_catalogue_that_wants_more_of_a_package_finds_it_absent(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch()
    _catalogue(monkeypatch, sha256_of(registry), "build/Other.json")
    with pytest.raises(MissingArtefact, match="is not in the cache"):
        artefact("Thing")


def test_all_solidity_of_a_folder_is_kept_and_nothing_else(tmp_path: Path) -> None:
    files = {"package/src/A.sol": b"a", "package/src/b/B.sol": b"b", "package/src/x.md": b"", "package/test/T.sol": b""}
    out = tmp_path / "out"
    out.mkdir()
    npm.extract(_tarball(tmp_path / "t.tgz", files), [], out, ["src"])
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.sol")) == ["src/A.sol", "src/b/B.sol"]
    with pytest.raises(MissingArtefact, match="outside the cache"):
        npm.extract(_tarball(tmp_path / "u.tgz", {"package/src/../../A.sol": b""}), [], out, ["src"])


def test_importing_the_catalogue_is_light() -> None:
    heavy = ("numba", "polars", "web3", "eth_abi", "vyper")
    code = f"import sys, tidemill.chain.artefacts as a; a.ls(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
