"""A replay kept beside its dataset: replaying a long dataset takes seconds, reading the result a few milliseconds.

The file's name holds the fidelity and a hash of the dataset's content and of the code that made it, so that it is never used for
anything else; its parts carry checksums. It is derived: deleting it costs nothing but time, and the manifest does not
list it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from tidemill.market.replay import Account, Replay
from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["keep_replay", "kept_replay"]

_MARKET = (
    "book",
    "walk",
    "tapes",
    "replayer",
    "infer",
    "exact",
    "bars",
    "bar_columns",
    "bar_paths",
    "replay",
    "rows",
    "limbs",
    "schema",
)


def kept_replay(folder: Path, content: str, fidelity: str) -> Replay | None:
    """Return the replay kept for this content and fidelity by this code, None when there is none that is sound."""
    path = _path(folder, content, fidelity)
    try:
        with np.load(path, allow_pickle=False) as parts:
            tape = Tape(*(parts[f"tape.{name}"] for name in Tape._fields))
            flow = Flow(*(parts[f"flow.{name}"] for name in Flow._fields))
            account = msgspec.json.decode(parts["account"].tobytes(), type=Account)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, msgspec.DecodeError):
        return None
    return Replay(tape, flow, account)


def keep_replay(folder: Path, content: str, done: Replay) -> None:
    """Keep a replay, replacing those of its fidelity by other code; a folder that cannot be written is left as it is."""
    fidelity = done.account.fidelity
    path = _path(folder, content, fidelity)
    parts = {f"tape.{name}": column for name, column in done.tape._asdict().items()}
    parts |= {f"flow.{name}": column for name, column in done.flow._asdict().items()}
    parts["account"] = np.frombuffer(msgspec.json.encode(done.account), np.uint8)
    try:
        number, name = tempfile.mkstemp(prefix=".replay-", dir=folder)
        with os.fdopen(number, "wb") as handle:
            np.savez(handle, **parts)
        Path(name).replace(path)
        for old in folder.glob("replay-*.npz"):
            if old != path and old.stem.split("-")[1:-1] in ([fidelity], []):  # of other code; [] named no fidelity
                old.unlink()
    except OSError:
        return


def _path(folder: Path, content: str, fidelity: str) -> Path:
    return folder / f"replay-{fidelity}-{hashlib.sha256((content + _code()).encode()).hexdigest()[:24]}.npz"


@cache
def _code() -> str:
    """Hash of the code a replay runs."""
    here = Path(__file__).parent
    venue = here.parent / "venues" / "uniswap_v3"
    files = [here / f"{name}.py" for name in _MARKET] + sorted(venue.glob("rules*.py")) + [venue / "tape.py"]
    files += sorted((here.parent / "units").glob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
