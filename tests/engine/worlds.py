"""Small worlds for the tests: OP Mainnet's two-second blocks and Ethereum's twelve."""

from __future__ import annotations

from tidemill.engine.blocks import Blocks, Network
from tidemill.engine.rules import Rules
from tidemill.engine.world import ModelWorld
from tidemill.interfaces import Block, Costs

OP = Network("op", "ETH@op", Blocks([Block(time=1_000, number=0)], period_ms=2_000))
L1 = Network("ethereum", "ETH@ethereum", Blocks([Block(time=1_000, number=0)], period_ms=12_000))
GAS = 10**12


def flat(venue, verb, features, block) -> Costs:
    """100 units of fee for any transaction, 40 for one that reverts."""
    return Costs(l2_execution=40 if features.get("reverted") else 100, gas_used=1)


def world(stages, funds, *, end=3_000, networks=(OP,), **rules_and_more) -> ModelWorld:
    known = set(Rules.__struct_fields__)
    rules = {k: v for k, v in rules_and_more.items() if k in known}
    more = {k: v for k, v in rules_and_more.items() if k not in known}
    funds = {n.native: GAS for n in networks} | funds
    more.setdefault("cost", flat)
    more.setdefault("outside", {s.account for s in stages})
    return ModelWorld(networks, stages, funds, Rules(start=1_000, end=end, **rules), **more)
