"""Write where venues stand (``venues/*/deployments.toml``) from maintained packages: addresses are read, never typed.

``python tools/make_deployments.py`` fetches the pinned packages through the npm client, asks node for their tables, and
writes the files; ``--check`` writes nothing and exits with 1 when one is not current.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tidemill.chain import npm

VENUES = Path(__file__).resolve().parents[1] / "src" / "tidemill" / "venues"
READ = "2026-11-21"  # when the packages were read: what they say held then
CHAINS = {1: "ethereum", 10: "op-mainnet", 130: "unichain", 137: "polygon-pos", 8453: "base", 42161: "arbitrum-one"}

UNISWAP = "@uniswap/sdk-core@7.19.4"
AAVE = "@aave-dao/aave-address-book@4.68.1"
BALANCER = "@balancer-labs/v2-deployments@3.2.0"
SHA256 = {
    BALANCER: "5000960a2028ab68ef68e16ba98d33e57b204eeda9ea308ff2bd08d7dde96585",
    UNISWAP: "4a89734757a2dc3476bb7f795ac31092c6538c1922a83700c3f3fcebd69d035b",
    AAVE: "aa3a2b05386733a15194fe8dd2836b86d32e31c17345a5751b4227d930f32da8",
}
STAKING = ("wstETH", "rETH", "weETH", "cbETH", "ETHx", "osETH")
SAVINGS = ("sDAI", "sUSDS")
ASK_UNISWAP = """
const a = require("./package/dist/cjs/src/addresses.js");
console.log(JSON.stringify({v3: a.CHAIN_TO_ADDRESSES_MAP, v2: a.V2_FACTORY_ADDRESSES, router: a.V2_ROUTER_ADDRESSES}));
"""
ASK_BALANCER = """
const a = require("./package/dist/tasks/20220325-gauge-controller/output/mainnet.json");
console.log(JSON.stringify({1: a.VotingEscrow}));
"""
ASK_AAVE = """
const out = {};
for (const name of ["Ethereum", "Optimism", "Polygon", "Base", "Arbitrum"]) {
  const a = require(`./package/dist/AaveV3${name}.js`);
  const assets = Object.fromEntries(Object.entries(a.ASSETS).map(([k, v]) => [k, [v.UNDERLYING, v.decimals]]));
  out[a.CHAIN_ID] = {pool: a.POOL, data_provider: a.AAVE_PROTOCOL_DATA_PROVIDER, oracle: a.ORACLE, assets};
}
console.log(JSON.stringify(out));
"""

Facts = dict[str, tuple[str, str]]
"""Value and source by ``network.name``."""


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a file is not current")
    check = parser.parse_args(arguments).check
    uniswap, aave = ask(UNISWAP, ASK_UNISWAP), ask(AAVE, ASK_AAVE)
    balancer = ask(BALANCER, ASK_BALANCER)
    stale = 0
    for venue, about, facts in (
        ("uniswap_v3", "Uniswap v3", dict(uniswap_v3(uniswap))),
        ("uniswap_v2", "Uniswap v2", dict(uniswap_v2(uniswap))),
        ("aave_v3", "Aave v3", dict(aave_v3(aave))),
        ("liquid_staking", "Liquid staking tokens", dict(tokens(aave, STAKING))),
        ("savings_vault", "Savings vaults", dict(tokens(aave, SAVINGS))),
        ("vote_escrow", "Balancer's VotingEscrow", dict(vote_escrow(balancer))),
    ):
        path, text = VENUES / venue / "deployments.toml", toml(about, facts)
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{venue}: {'not current' if check else 'written'}")
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


def uniswap_v3(told: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield factory, position manager and quoter by network."""
    names = {
        "factory": "v3CoreFactoryAddress",
        "position_manager": "nonfungiblePositionManagerAddress",
        "quoter": "quoterAddress",
    }
    for chain, network in CHAINS.items():
        for name, key in names.items():
            yield f"{network}.{name}", (told["v3"][str(chain)][key], UNISWAP)


def uniswap_v2(told: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield factory and router by network."""
    for chain, network in CHAINS.items():
        yield f"{network}.factory", (told["v2"][str(chain)], UNISWAP)
        yield f"{network}.router", (told["router"][str(chain)], UNISWAP)


def aave_v3(told: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield pool, data provider, oracle and every reserve's token by network."""
    for chain, network in CHAINS.items():
        if str(chain) not in told:
            continue
        one = told[str(chain)]
        for name in ("pool", "data_provider", "oracle"):
            yield f"{network}.{name}", (one[name], AAVE)
        for symbol, (underlying, _) in sorted(one["assets"].items()):
            yield f"{network}.reserve.{symbol}", (underlying, AAVE)


def tokens(told: dict[str, Any], names: Sequence[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the tokens of these names that Aave lists, by network."""
    for name, fact in aave_v3(told):
        network, what, symbol = (*name.split("."), "")[:3]
        if what == "reserve" and symbol in names:
            yield f"{network}.token.{symbol}", fact


def vote_escrow(told: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the escrow by network."""
    for chain, escrow in told.items():
        yield f"{CHAINS[int(chain)]}.escrow", (escrow, BALANCER)


def ask(spec: str, script: str) -> dict[str, Any]:
    """Unpack a package into a folder of its own and run a line of node there."""
    with tempfile.TemporaryDirectory() as folder:
        tarball = npm.pack(spec, SHA256[spec], Path(folder))
        with tarfile.open(tarball, "r:gz") as archive:
            archive.extractall(folder, filter="data")
        done = subprocess.run(["node", "-e", script], cwd=folder, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def toml(about: str, facts: Facts) -> str:
    """Write facts as ``tidemill.facts`` reads them."""
    lines = ["# Made by tools/make_deployments.py from the packages named as sources; run it, do not edit."]
    lines += [f'about = "{about}"', "", "[facts]"]
    lines += [
        f'"{name}" = {{ value = "{value.lower()}", as_of = {READ}, source = "{source}", confidence = "code", '
        'status = "live" }'
        for name, (value, source) in facts.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
