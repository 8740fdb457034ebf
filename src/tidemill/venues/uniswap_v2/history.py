"""What the logs of a transaction say that an account put into a pair and took out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.venues.shared.told import Told
from tidemill.venues.uniswap_v2.client import PairClient

__all__ = ["told"]

_NOBODY = "0x" + "00" * 20


def told(client: PairClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account.

    Liquidity is the account's when its shares were made for it, and taken out when the shares that were burnt had come
    from it. Shares that only change hands are no deed of the pair; neither is a trade, which leaves nothing in it.
    """
    at, me, out = client.deployment, client.account, []
    made, brought = ("", 0), 0
    for event in client.events(logs):
        args: Any = event.args
        if event.name == "Transfer" and args["from"] == _NOBODY:
            made = args["to"], args["value"]
        elif event.name == "Transfer" and args["from"] == me and args["to"] == at.pair:
            brought += args["value"]
        elif event.name == "Mint" and made[0] == me:
            out.append(_deed(client, "add_liquidity", args, -1, made[1]))
        elif event.name == "Burn" and brought:
            out.append(_deed(client, "remove_liquidity", args, 1, brought))
            brought = 0
    return out


def _deed(client: PairClient, verb: str, args: Mapping[str, int], sign: int, shares: int) -> Told:
    at, moved = client.deployment, {name: args[name] for name in ("amount0", "amount1")}
    legs = {at.token0_id: sign * moved["amount0"], at.token1_id: sign * moved["amount1"], at.lp_id: -sign * shares}
    return Told(verb, f"{client.venue}#shares", legs, 0, {**moved, "liquidity": shares})
