"""What the logs of a transaction say that an account put into a pair and took out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.venues.shared.history import History, LogQuery, Past, Quote, topic_of
from tidemill.venues.shared.reader import TRANSFER, Reader, handed, named, readers_of
from tidemill.venues.shared.told import Told
from tidemill.venues.uniswap_v2.client import PAIR, PairClient, PairDeployment

__all__ = ["histories", "told"]

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


def histories(past: Past) -> Sequence[History]:
    """Return the readers of pairs whose shares the account has or had; found by shares made for it. See ``Kind.history``."""
    made = [LogQuery("", (TRANSFER, topic_of(0), topic_of(past.account or 0)))]
    views = PAIR, ("token0", "token1", "getReserves", "kLast")
    return readers_of(past, "uniswap_v2", lambda pair: _readers(past, pair), views, marks=made)


def _readers(past: Past, pair: str) -> Sequence[History]:
    place = PairDeployment.of_pair(past.rpc, pair, "", ids=("", ""), lp_id="")
    assets = [past.asset(one) for one in (place.token0, place.token1, pair)]
    place = structs.replace(place, token0_id=assets[0].id, token1_id=assets[1].id, lp_id=assets[2].id)
    label = "-".join(one.id.partition("@")[0] for one in assets[:2])
    client = PairClient(past.rpc, place, venue=named("uniswap_v2", label, pair), account=past.account)

    def quotes(block: int) -> Sequence[Quote]:
        reserve0, reserve1, _ = client.read("getReserves", block=block)
        return (Quote(assets[0].id, assets[1].id, reserve1, reserve0),) if reserve0 and reserve1 else ()

    queries = handed(pair, past.account)
    reader = Reader(past, client, pair, told, queries, assets, share=assets[2], quotes=quotes)
    return (reader,) if reader.concerns() else ()
