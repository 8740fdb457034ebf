"""`tidemill networks`: which networks there are, what is known of each, and what every verb costs there."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from tidemill.app.options import Json

__all__ = ["networks"]


networks = App(
    name="networks",
    help="Networks: status, fees, exits, roles and risk, every fact dated.\n\nExample: `tidemill networks show op-mainnet`",
)


@networks.default
def ls(*, family: str = "", on: str = "", json: Json = False) -> int:
    """List the networks with their status, what proves their fees, their stage, and how long leaving takes.

    Example: `tidemill networks --family op_stack`

    Parameters
    ----------
    family
        Only this family: ethereum, op_stack …
    on
        As of this day (2026-11-21); default: today.
    json
        Print the rows as JSON on standard output.
    """
    from tidemill.app.networks import list_networks  # noqa: PLC0415

    return list_networks(family, on, as_json=json)


@networks.command
def show(network: str, *, on: str = "", json: Json = False) -> int:
    """Show every fact of a network with its date, source and confidence, how it changed, ways out, who earns, and risk.

    Example: `tidemill networks show op-mainnet`

    Parameters
    ----------
    network
        Its name, as `tidemill networks` lists it.
    on
        Ways out and roles as of this day; default: today.
    json
        Print all of it as JSON on standard output.
    """
    from tidemill.app.networks import show_network  # noqa: PLC0415

    return show_network(network, on, as_json=json)


@networks.command
def cost(
    network: str,
    *,
    action: str = "all",
    base_fee_gwei: str = "",
    priority_fee_gwei: str = "",
    l1_base_fee_gwei: str = "",
    blob_base_fee_gwei: str = "",
    level: Annotated[list[str] | None, Parameter(name="--level", negative="")] = None,
    levels: str = "",
    rpc: str = "",
    price_native: str = "",
    on: str = "",
    json: Json = False,
) -> int:
    """Price a venue's verb on a network, or every verb there, by part: execution, data on Ethereum, operator.

    Levels that are not given are taken from `--levels` or `--rpc` and then from the network's facts; one that nobody has is
    named, and what needs it has no price. Gas is that of a verb when nothing special is met, approvals included.

    Example: `tidemill networks cost op-mainnet --action uniswap_v3.mint --base-fee-gwei 0.001 --l1-base-fee-gwei 5
    --blob-base-fee-gwei 1`

    Parameters
    ----------
    network
        Its name, as `tidemill networks` lists it.
    action
        VENUE.VERB, a VENUE for all its verbs, or `all` for every venue listed there, or nowhere. What is not known to stand
        there is said.
    base_fee_gwei
        Base fee of the network, gwei.
    priority_fee_gwei
        Tip per gas, gwei; default 0.
    l1_base_fee_gwei
        Base fee of Ethereum, gwei.
    blob_base_fee_gwei
        Blob base fee of Ethereum, gwei.
    level
        Another level that the network's formula reads, in its own unit, as NAME=WHOLE_NUMBER; as often as needed.
    levels
        A file of levels, as `tidemill facts refresh --write` makes it.
    rpc
        Instead: an endpoint of the network, which is asked for its levels now.
    price_native
        Price of the token that pays gas, in your money: the cost is shown in it as well, rounded up.
    on
        By the formula and the facts of this day; default: today.
    json
        Print the rows as JSON on standard output.
    """
    from tidemill.app.networks import show_costs  # noqa: PLC0415

    prices = {
        "base_fee": base_fee_gwei,
        "priority_fee": priority_fee_gwei,
        "l1_base_fee": l1_base_fee_gwei,
        "blob_base_fee": blob_base_fee_gwei,
    }
    return show_costs(network, action, prices, level or [], levels, rpc, price_native, on, as_json=json)


@networks.command
def revenue(network: str = "", *, json: Json = False) -> int:
    """Set what operators took in beside what was published of it, year by year, and say why the two differ.

    Model figures come from dated inputs and the networks' own rules; an interval is what is possible with what is known, and
    unknown stays unknown.

    Example: `tidemill networks revenue arbitrum-one`

    Parameters
    ----------
    network
        Only this network; default: all of which something is known.
    json
        Print the rows as JSON on standard output.
    """
    from tidemill.app.networks import show_revenue  # noqa: PLC0415

    return show_revenue(network, as_json=json)
