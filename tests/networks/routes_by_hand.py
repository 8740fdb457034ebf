"""Routes built by hand: the tests of plans do not lean on what any network's file says today."""

from __future__ import annotations

from tidemill.networks.exits import Route, RouteStage, Wait

DAY = 86_400
START = 1_795_219_200
"""2026-11-21 00:00 UTC."""

SEND = RouteStage("initiate", "op-mainnet", Wait(0, 0, 0), gas=180_000)
PROVE = RouteStage("prove", "ethereum", Wait(0, 3_600), gas=300_000, about="after a proposer has proposed")
FINALIZE = RouteStage("finalize", "ethereum", Wait(7 * DAY, 7 * DAY, 14 * DAY), gas=200_000)
OUT = Route("withdrawal", "op-mainnet", "ethereum", "canonical", (SEND, PROVE, FINALIZE), warnings=("re-proving",))

EXECUTE = RouteStage("execute", "ethereum", Wait(45_818, 46_000, 80_000, "L1 blocks"), gas=150_000)
ARBITRUM_OUT = Route("withdrawal", "arbitrum-one", "ethereum", "canonical", (SEND, EXECUTE))
INTO = Route(
    "deposit",
    "ethereum",
    "base",
    "canonical",
    (
        RouteStage("deposit", "ethereum", Wait(0, 0, 0), gas=90_000),
        RouteStage("arrive", "base", Wait(60, 180, 43_200), by="operator"),
    ),
)
