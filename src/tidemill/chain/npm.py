"""One package tarball through the user's own npm client: its registry, its proxy, its credentials."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tidemill.chain.cache import sha256_of
from tidemill.errors import MissingArtefact

__all__ = ["extract", "pack"]

_PACK_SECONDS = 600
_LARGEST_FILE = 128 << 20  # anvil is 44 MB; anything far above is not what we pinned


def pack(spec: str, sha256: str, folder: Path) -> Path:
    """Download ``spec`` (``name@version``) into ``folder`` with ``npm pack`` and check it.

    Returns the tarball's path. Raises ``MissingArtefact`` when npm is absent, offline or refuses, or when the tarball
    is not the pinned one; scripts of the package never run.
    """
    command = ["npm", "pack", spec, "--pack-destination", str(folder), "--ignore-scripts", "--loglevel", "error"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PACK_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise MissingArtefact(f"{spec}: npm is not on the PATH; install node 20 or later with npm") from None
    except subprocess.TimeoutExpired:
        raise MissingArtefact(f"{spec}: npm gave no answer in {_PACK_SECONDS} s; check the network and retry") from None
    tarballs = sorted(folder.glob("*.tgz"))
    if done.returncode != 0 or len(tarballs) != 1:
        raise MissingArtefact(f"{spec}: npm could not fetch it ({_why(done.stderr)}); check the network and retry")
    found = sha256_of(tarballs[0])
    if found != sha256:
        raise MissingArtefact(f"{spec}: tarball has sha256 {found}, pinned is {sha256}; refused")
    return tarballs[0]


def extract(tarball: Path, wanted: Sequence[str], folder: Path, solidity: Sequence[str] = ()) -> None:
    """Write the ``wanted`` members (paths inside the package) below ``folder``, under the same paths; nothing else.

    Of the folders ``solidity`` every ``.sol`` file is taken. Only regular files are taken and only under names that we
    asked for, so a hostile archive cannot place a file.
    """
    with tarfile.open(tarball, "r:gz") as archive:
        members = {member.name: member for member in archive if member.isreg()}
        inside = ["/".join(PurePosixPath(name).parts[1:]) for name in members]
        trees = tuple(f"{tree}/" for tree in solidity)
        for name in (*wanted, *(path for path in inside if path.startswith(trees) and path.endswith(".sol"))):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise MissingArtefact(f"{tarball.name}: refusing to write {name!r} outside the cache")
            # npm's tarballs have one leading folder, nearly always "package".
            member = next((m for n, m in members.items() if PurePosixPath(n).parts[1:] == path.parts), None)
            if member is None:
                raise MissingArtefact(f"{tarball.name}: holds no file {name!r}; the catalogue is wrong")
            if member.size > _LARGEST_FILE:
                raise MissingArtefact(f"{tarball.name}: {name!r} is {member.size} bytes; refused")
            source = archive.extractfile(member)
            if source is None:
                raise MissingArtefact(f"{tarball.name}: cannot read {name!r}")
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("wb") as out:
                while chunk := source.read(1 << 20):
                    out.write(chunk)


def _why(stderr: str) -> str:
    # npm prints "npm error code E404", then details that may hold the registry's address: keep the code only.
    for line in stderr.splitlines():
        words = line.split()
        if "code" in words[:-1]:
            return words[words.index("code") + 1]
    return "no reason given"
