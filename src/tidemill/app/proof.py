"""`tidemill venues prove`: ask the library for a proof, keep it, and show what came of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidemill.app.commands import progress
from tidemill.app.console import emit_json, note, stdout
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput, nearest
from tidemill.studies.prove_document import ProofDocument, record
from tidemill.wording import ADDRESS

__all__ = ["run_proof"]

_HEX = re.compile(r"0x[0-9a-fA-F]+")


def run_proof(
    kind: str,
    rpc: str,
    address: str,
    network: str,
    beside: Sequence[str],
    block: int | None,
    actions: int,
    replay: int,
    seed: int,
    *,
    as_json: bool,
) -> int:
    """Prove a kind at an address; returns 0 where nothing differs, 1 where something does."""
    from tidemill import networks  # noqa: PLC0415
    from tidemill.studies.prove import Wanted, known_beside, prove  # noqa: PLC0415

    if not re.match(ADDRESS, address):
        raise BadInput(f"{address!r} is no address: 0x and 40 hexadecimal digits", field="address")
    chain = networks.get(network).chain_id if network else None
    given = (known_beside(kind, network) if network else {}) | dict(_named(one) for one in beside)
    wanted = Wanted(kind, address.lower(), given, chain, block, actions, seed, replay)
    with progress(f"proving {kind} at {address} …") as tell:
        proof = prove(rpc, wanted, progress=tell)
    path = record(proof)
    if as_json:
        emit_json(proof.shown())
    else:
        _print(proof)
    note(f"kept as {path}")
    return 0 if proof.equal else 1


def _named(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not _HEX.fullmatch(value):
        raise BadInput(
            f"{text!r}: expected NAME=0x…{nearest(name, ('router', 'position_manager', 'market'))}", field="with"
        )
    return name, value.lower()


def _print(proof: ProofDocument) -> None:
    verbs = sorted({*proof.done, *proof.refused})
    rows = [[verb, f"{proof.done.get(verb, 0):,}", f"{proof.refused.get(verb, 0):,}"] for verb in verbs]
    say = stdout().print
    if rows:
        say(table("The same on the chain and in the model", ["verb", "done>", "refused>"], rows))
    for reason, count in proof.reasons.items():
        say(plain(f"refused {count:,} times: {reason}"))
    for difference in proof.differences:
        say(plain(f"DIFFERS: {difference}"))
    say(plain(proof.verdict))
