"""Networks by name: each is a TOML file of dated parameters in ``parameters/``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources

from tidemill.errors import UnknownName
from tidemill.facts import Facts, parse_facts
from tidemill.networks.arbitrum import ArbitrumChain
from tidemill.networks.base_chain import BaseChain
from tidemill.networks.ethereum import Ethereum
from tidemill.networks.linea import Linea
from tidemill.networks.listed import Listed
from tidemill.networks.op_chain import OpChain
from tidemill.networks.polygon_pos import PolygonPos
from tidemill.networks.polygon_zkevm import PolygonZkEvm
from tidemill.networks.scroll import Scroll
from tidemill.networks.starknet import Starknet
from tidemill.networks.types import Network
from tidemill.networks.zk_stack import ZkStack

__all__ = ["get", "names"]

_FAMILIES: dict[str, Callable[[Facts], Network]] = {
    "arbitrum": ArbitrumChain,
    "base": BaseChain,
    "ethereum": Ethereum,
    "op_stack": OpChain,
    "linea": Linea,
    "listed": Listed,
    "polygon_pos": PolygonPos,
    "polygon_zkevm": PolygonZkEvm,
    "scroll": Scroll,
    "starknet": Starknet,
    "zk_stack": ZkStack,
}


@cache
def names() -> tuple[str, ...]:
    """Return the names of all networks, sorted."""
    folder = resources.files("tidemill.networks").joinpath("parameters")
    files = [entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted(name.removesuffix(".toml").replace("_", "-") for name in files))


@cache
def get(name: str) -> Network:
    """Return the network ``name``; raises ``UnknownName``, which names the nearest."""
    if name not in names():
        raise UnknownName("network", name, names())
    file = f"{name.replace('-', '_')}.toml"
    text = resources.files("tidemill.networks").joinpath("parameters", file).read_text(encoding="utf-8")
    facts = parse_facts(text, file)
    family = facts.text("family")
    if family not in _FAMILIES:
        raise UnknownName("family", family, _FAMILIES, file=file, field="facts.family.value")
    return _FAMILIES[family](facts)
