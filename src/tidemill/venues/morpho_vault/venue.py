"""A vault over lending markets as a study places it: over markets of the same study, others holding it already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Block, Stage
from tidemill.units import BPS, WAD, mul_div_down
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.morpho_vault.model import LendingVaultModel
from tidemill.venues.morpho_vault.model_owner import MOST_FEE
from tidemill.venues.morpho_vault.stage import VaultStage
from tidemill.venues.shared.scripted import Scripted

__all__ = ["VENUE"]

OWNER = "vault-owner"
_PER_BPS = WAD // BPS
_MOST_MARKETS = 8
_CHECKED = (
    "the vault is a contract of our own from the public description (rule-checked): no registry ships a MetaMorpho's; what is "
    "lost in a market stays in the price of a share, as its rule has it, and only shows when there is too little left to withdraw"
)


def place(setup: Setup) -> Placed:
    """Make the vault over its markets, and the script of others."""
    params, where = setup.params, f"venues.{setup.id}.params"
    asset, share, offset = str(params["asset"]), str(params["share"]), int(params["decimals_offset"])
    if asset not in setup.decimals:
        raise BadInput(f"decimals of {asset} are not known; add {asset} = … under [tokens]", field="tokens")
    for name, most in (("fee_bps", MOST_FEE // _PER_BPS), ("decimals_offset", 18), ("flow_bps", BPS)):
        if int(params[name]) > most:
            raise BadInput(f"{params[name]}: must be 0 to {most}", field=f"{where}.{name}")
    if not int(params["every_hours"]):
        raise BadInput("0: give 1 or more", field=f"{where}.every_hours")
    markets, caps = _markets(setup)
    unit, account = 10 ** setup.decimals[asset], f"{setup.id}:vault"
    state: dict[str, Any] = {
        "account": account,
        "asset": f"{asset}@{setup.network}",
        "share": f"{share}@{setup.network}",
        "owner": OWNER,
        "decimals_offset": offset,
    }
    script = list(_script(setup, markets, [cap * unit for cap in caps], int(params["tvl"]) * unit))
    model = LendingVaultModel()

    def make() -> Stage:
        made = VaultStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)
        made.reached = markets
        return made

    tokens = {asset: setup.decimals[asset], share: setup.decimals[asset] + offset}
    notes = (f"{setup.id}: {_CHECKED}",)
    return Placed(make, tokens, shares=(share,), notes=lambda: notes, reaches=markets)


def _markets(setup: Setup) -> tuple[tuple[str, ...], list[int]]:
    """Return the venues and their caps in whole assets."""
    where = f"venues.{setup.id}.params"
    markets = tuple(name.strip() for name in str(setup.params["markets"]).split(","))
    try:
        caps = [int(cap) for cap in str(setup.params["caps"]).replace("_", "").split(",")]
    except ValueError:
        raise BadInput(
            f"{setup.params['caps']!r}: whole assets, one number for each market", field=f"{where}.caps"
        ) from None
    if not 0 < len(set(markets)) == len(markets) <= _MOST_MARKETS:
        raise BadInput(
            f"{setup.params['markets']!r}: 1 to {_MOST_MARKETS} markets, none twice", field=f"{where}.markets"
        )
    if len(caps) != len(markets) or min(caps) <= 0:
        raise BadInput(f"{len(caps)} caps for {len(markets)} markets; give one above 0 for each", field=f"{where}.caps")
    return markets, caps


def _script(setup: Setup, markets: tuple[str, ...], caps: list[int], tvl: int) -> Iterator[Scripted]:
    first = setup.first_from(setup.start)

    def at(block: Block, actor: str, verb: str, **args: int | str) -> Scripted:
        return Scripted(block, actor, Action(verb, args))

    for name, cap in zip(markets, caps, strict=True):
        yield at(first, OWNER, "add_market", venue=name, market=name, cap=cap)
    yield at(first, OWNER, "set_supply_queue", queue=",".join(map(str, range(len(markets)))))
    if fee := int(setup.params["fee_bps"]):
        yield at(first, OWNER, "set_fee", fee=fee * _PER_BPS, recipient=OWNER)
    if tvl:
        yield at(first, "savers", "deposit", assets=tvl)
    draws, every = setup.random("savers"), int(setup.params["every_hours"]) * 3_600
    for time in range(setup.start + every, setup.end, every):
        verb, part = draws.choice(("deposit", "withdraw")), draws.randrange(int(setup.params["flow_bps"]) + 1)
        if amount := mul_div_down(tvl, part, BPS):
            yield at(setup.first_from(time), "savers", verb, assets=amount)


VENUE = Kind(
    "morpho_vault",
    "vault",
    "rule-checked",
    "A share of a vault that lends its asset in several Morpho Blue markets of the same study.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "asset": (None, "symbol of the asset, which all its markets lend"),
        "share": (None, "symbol of the vault's share"),
        "markets": (None, 'venues of kind morpho_blue, filled and emptied in this order, e.g. "safe,bold"'),
        "caps": (None, 'whole assets that each market may hold, e.g. "800000,400000"'),
        "decimals_offset": (0, "the vault's decimals offset (0 to 18)"),
        "fee_bps": (0, "the performance fee on interest, basis points (0 to 5000)"),
        "tvl": (500_000, "whole assets that others hold in it at the start"),
        "flow_bps": (100, "most of it that others bring or take each time, basis points"),
        "every_hours": (12, "hours between what others bring or take"),
    },
    income="Each market's borrowers pay its rate; the vault's shares grow by what its markets earn, less the performance fee.",
    risks=(
        "a bad debt in one market is a loss of the whole vault; it stays in the price of a share until somebody cannot withdraw",
        "what borrowers have cannot be withdrawn: a withdrawal that its markets together cannot pay is refused",
        "its owner chooses markets, caps and their order, and takes a part of the interest",
        "deposits are refused once every market of the queue has reached its cap",
    ),
    verbs={"enter": "deposit", "leave": "redeem"},
    history=read_back("tidemill.venues.morpho_vault.history"),
)
