"""`tidemill venues`: where money can earn, how it arises there, what can go wrong, and what proves the model."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter, validators

from tidemill.app.console import emit_json, stdout
from tidemill.app.options import Json
from tidemill.app.tables import plain, table

__all__ = ["venues"]


venues = App(
    name="venues",
    help="Kinds of venue: what is known of each, with dates and sources.\n\nExample: `tidemill venues --family farm`",
)


@venues.default
def ls(*, family: str = "", network: str = "", proof: str = "", json: Json = False) -> int:
    """List the kinds of venue that a study can name.

    Example: `tidemill venues --family farm`

    Parameters
    ----------
    family
        Only this family: amm, lending, vault, farm …
    network
        Only those known to stand on this network.
    proof
        Only this proof level: bytecode-equal, fork-equal, rule-checked, unproven.
    json
        Print the rows as JSON on standard output.
    """
    from tidemill.venues.about import catalogue  # noqa: PLC0415

    found = catalogue(family=family, network=network, proof=proof)
    if json:
        emit_json([_plain(one) for one in found])
        return 0
    rows = [
        [one.kind.name, one.kind.family, one.kind.proof, ", ".join(one.networks) or "–", plain(one.kind.summary)]
        for one in found
    ]
    stdout().print(table("", ["kind", "family", "proof", "known on", ""], rows))
    return 0


@venues.command
def show(kind: str, *, network: str = "", json: Json = False) -> int:
    """Show how income arises at a kind of venue, what can go wrong, what it costs, and where it stands.

    Example: `tidemill venues show uniswap_v3`

    Parameters
    ----------
    kind
        Its name, as `tidemill venues` lists it.
    network
        Show the addresses on this network alone.
    json
        Print all of it as JSON on standard output.
    """
    from tidemill.venues.about import about  # noqa: PLC0415

    one = about(kind)
    if json:
        emit_json(_plain(one) | {"proofs": _proofs(kind)})
        return 0
    say = stdout().print
    say(f"[bold]{plain(one.kind.name)}[/bold] · {one.kind.family} · {one.kind.proof}")
    say(plain(one.kind.summary))
    say(f"\nincome: {plain(one.kind.income or 'not described')}")
    for risk in one.kind.risks:
        say(f"risk: {plain(risk)}")
    rows = [
        [purpose, plain(cost.verb), str(cost.transactions), f"{cost.gas:,}", cost.off]
        for purpose, cost in one.costs.items()
    ]
    if rows:
        say("")
        head = ["", "verb", "transactions>", "gas>", "off by (median)>"]
        say(table(f"What it takes when nothing special is met ({plain(one.measured)})", head, rows))
    shown = {at: names for at, names in one.deployments.items() if network in ("", at)}
    rows = [
        [at, plain(name), str(fact.value), fact.status.value, str(fact.as_of), plain(fact.source)]
        for at, names in shown.items()
        for name, fact in names.items()
    ]
    say("")
    say(
        table("Where it stands", ["network", "", "address", "status", "as of", "source"], rows)
        if rows
        else "no known deployment"
    )
    _show_proofs(one.kind.name)
    return 0


def _proofs(kind: str) -> list[Any]:
    from tidemill.studies.prove_document import proofs_of  # noqa: PLC0415

    return [proof.shown() for proof in proofs_of(kind)]


def _show_proofs(kind: str) -> None:
    from tidemill.studies.prove_document import proofs_of  # noqa: PLC0415

    rows = [
        [
            proof.as_of[:10],
            str(proof.chain_id),
            proof.address,
            f"{proof.block:,}",
            proof.level,
            f"{sum(proof.done.values()):,}",
            plain(proof.differences[0][:80] if proof.differences else ""),
        ]
        for proof in proofs_of(kind)
    ]
    if rows:
        head = ["as of", "chain>", "address", "block>", "proven", "actions>", "difference"]
        stdout().print(table("Held against deployed contracts from here (tidemill venues prove)", head, rows))


@venues.command
def prove(
    kind: str,
    *,
    rpc: str,
    address: str,
    network: str = "",
    beside: Annotated[list[str] | None, Parameter(name="--with", negative="")] = None,
    block: int | None = None,
    actions: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=1_000_000))] = 200,
    replay: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=100_000))] = 0,
    seed: int = 0,
    json: Json = False,
) -> int:
    """Hold a kind's model against a deployed contract: fork its chain here, do random actions on both, compare to the wei.

    Nothing is sent to the endpoint; it is only read. The result is kept, dated by the block, and `tidemill venues show`
    shows it. Ends with 1 where the contract is not what the model says.

    Example: `tidemill venues prove uniswap_v2 --rpc http://localhost:8545 --address 0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc`

    Parameters
    ----------
    kind
        Kind of venue, as `tidemill venues` lists it.
    rpc
        Endpoint of the chain, http(s)://… or the path of a local socket; with --actions it must be http(s).
    address
        The contract: a pair, a pool, a vault, Morpho Blue …
    network
        Name of the network: the endpoint must be on its chain, and known contracts (a router) are taken from the list.
    beside
        Further contracts by name, `NAME=0x…`, as often as needed: router, position_manager, market (an id).
    block
        Fork at this block; default: the newest.
    actions
        Random actions to try; 0 only reads, which needs no local chain and proves less.
    replay
        Let the model follow the logs of so many blocks first; only reads (of old state: some endpoints keep none).
    seed
        Seed of the trial.
    json
        Print the proof as JSON on standard output.
    """
    from tidemill.app.proof import run_proof  # noqa: PLC0415

    return run_proof(kind, rpc, address, network, beside or [], block, actions, replay, seed, as_json=json)


def _plain(one: Any) -> dict[str, Any]:
    kind = one.kind
    return {
        "kind": kind.name,
        "family": kind.family,
        "proof": kind.proof,
        "summary": kind.summary,
        "income": kind.income,
        "risks": list(kind.risks),
        "parameters": {name: {"default": default, "meaning": why} for name, (default, why) in kind.params.items()},
        "costs": one.costs,
        "measured": one.measured,
        "deployments": one.deployments,
    }
