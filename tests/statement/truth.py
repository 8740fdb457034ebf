"""What a random portfolio did and holds, told without any reader: from what was sent, and from the contracts' views."""

from __future__ import annotations

from typing import Any

from statement.portfolio import LP, ME, SHARE, SUSHI, USDC, WETH, Done, Portfolio
from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.interfaces import Filled
from tidemill.venues.minichef.client import moved as transferred
from tidemill.venues.shared.told import add

RWD, BON = "RWD@op", "BON@op"
STAKED = (LP, SHARE)
"""By number of the chef's pool."""


def moved(world: Portfolio) -> dict[str, dict[str, int]]:
    """By venue and token, what it gave for ME less what it took, whoever paid; under ``""`` receipt tokens from outside."""
    out: dict[str, dict[str, int]] = {venue: {} for venue in ("", *world.clients)}
    reserves = {reserve.supply: asset for asset, reserve in world.clients["market"][ME].deployment.reserves.items()}
    for one in world.done:
        if not isinstance(one.status, Filled):
            continue
        whose = one.args.get("on_behalf_of", one.args.get("on_behalf", one.args.get("to", one.who)))
        if one.verb == "transfer" and "token" in one.args:
            token, amount = one.args["token"], one.args["amount"]
            sign = (one.args["to"] == ME) - (one.who == ME)
            if token in reserves:  # supplied by others, or withdrawn by them
                add(out["market"], reserves[token], -sign * amount)
            elif token in STAKED:
                add(out[""], token, sign * amount)
        elif one.venue == "range":
            for token, amount in _paid(world, one).items() if one.who == ME and not one.verb.startswith("swap") else ():
                add(out["range"], token, amount)
        elif whose == ME and one.venue and one.verb != "liquidate":
            for token, amount in _legs(world, one.venue, one.verb, one.args, dict(one.status.amounts)).items():
                add(out[one.venue], token, amount)
                if one.who != ME and token in STAKED:
                    add(out[""], token, -amount)
    return out


def _paid(world: Portfolio, one: Done) -> dict[str, int]:
    """What really moved between ME and anybody, of the two tokens of the range's pool."""
    ids, sums = {world.tokens[token]: token for token in (USDC, WETH)}, dict[str, int]()
    for log in (log for receipt in one.receipts for log in receipt.logs):
        source, target, amount = transferred(log)
        if token := ids.get(str(log["address"]).lower()):
            add(sums, token, amount * ((target == ME) - (source == ME)))
    return sums


def _legs(world: Portfolio, venue: str, verb: str, args: dict[str, Any], amounts: dict[str, int]) -> dict[str, int]:
    if venue == "pair" and "liquidity" in verb:
        at = world.clients["pair"][ME].deployment
        sign = -1 if verb == "add_liquidity" else 1
        shares = amounts["liquidity"] if sign < 0 else args["liquidity"]
        return {at.token0_id: sign * amounts["amount0"], at.token1_id: sign * amounts["amount1"], LP: -sign * shares}
    if venue == "vault":
        sign = -1 if verb == "deposit" else 1
        return {USDC: sign * amounts["assets"], SHARE: -sign * amounts["shares"]}
    if venue == "farm":
        staked = {"stake": -1}.get(verb, 1) * amounts.get("amount", 0)
        return {LP: staked, RWD: amounts.get("reward", 0)}
    if venue == "chef":
        staked = {"deposit": -1}.get(verb, 1) * amounts.get("amount", 0)
        return {STAKED[args["pid"]]: staked, SUSHI: amounts.get("reward", 0), BON: amounts.get("bonus", 0)}
    sign = {"supply": -1, "supply_collateral": -1, "repay": -1, "repay_with_supply": 0}.get(verb, 1)
    if venue == "market":
        return {args["asset"]: sign * amounts["amount"]}
    if venue == "morpho":
        return {WETH if "collateral" in verb else USDC: sign * amounts["assets"]}
    return {}


class Views:
    """The contracts' own answers at one block, asked by their artefacts."""

    def __init__(self, world: Portfolio, block: int) -> None:
        self.world, self.block = world, block

    def ask(self, contract: str, to: str, function: str, *args: Any) -> Any:
        codec = Abi(artefact(contract).abi)
        answer = self.world.rpc.call(to, codec.encode(function, *args), block=self.block, sender=ME)
        found = codec.decode(function, answer)
        return found[0] if len(found) == 1 else found

    def wallet(self) -> dict[str, int]:
        """Receipt tokens in ME's wallet."""
        return {token: self.ask("TestToken", self.world.tokens[token], "balanceOf", ME) for token in STAKED}

    def held(self) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        """By venue and side: principal and what can be claimed."""
        at = {venue: each[ME].deployment for venue, each in self.world.clients.items()}
        out: dict[str, tuple[dict[str, int], dict[str, int]]] = {}
        farm = at["farm"].farm
        staked = self.ask("StakingRewards", farm, "balanceOf", ME)
        out["farm#me"] = {LP: staked}, {RWD: self.ask("StakingRewards", farm, "earned", ME)}
        for pid, token in enumerate(STAKED):
            staked, _ = self.ask("MiniChefV2", at["chef"].chef, "userInfo", pid, ME)
            due = {SUSHI: self.ask("MiniChefV2", at["chef"].chef, "pendingSushi", pid, ME)}
            if pid == 0:
                stream = at["chef"].rewarders["stream"]
                due[BON] = self.ask("ComplexRewarderTime", stream, "pendingToken", pid, ME)
            out[f"chef#{pid}"] = {token: staked}, due
        reserves = at["market"].reserves.items()
        out["market#supply"] = {t: self.ask("AToken", r.supply, "balanceOf", ME) for t, r in reserves}, {}
        out["market#debt"] = {t: -self.ask("VariableDebtToken", r.debt, "balanceOf", ME) for t, r in reserves}, {}
        out |= self._morpho(at["morpho"]) | self._ranges(at["range"])
        return {name: (_some(principal), _some(due)) for name, (principal, due) in out.items()}

    def _morpho(self, at: Any) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        """Shares by the market's totals, which somebody has just brought up to date."""
        market = self.ask("Morpho", at.morpho, "market", at.id)
        supply, debt, collateral = self.ask("Morpho", at.morpho, "position", at.id, ME)
        assert market[4] == self.world.rpc.block(self.block).timestamp
        supplied = supply * (market[0] + 1) // (market[1] + 10**6)
        owed = -(-debt * (market[2] + 1) // (market[3] + 10**6))
        return {
            "morpho#supply": ({USDC: supplied}, {}),
            "morpho#debt": ({USDC: -owed}, {}),
            "morpho#collateral": ({WETH: collateral}, {}),
        }

    def _ranges(self, at: Any) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        """What the manager would pay if it were told to, token by token."""
        contract, out, most = "NonfungiblePositionManager", {}, (1 << 128) - 1
        for number in range(self.ask(contract, at.manager, "balanceOf", ME)):
            token = self.ask(contract, at.manager, "tokenOfOwnerByIndex", ME, number)
            liquidity = self.ask(contract, at.manager, "positions", token)[7]
            leaving = token, liquidity, 0, 0, 1 << 40
            worth = self.ask(contract, at.manager, "decreaseLiquidity", leaving) if liquidity else (0, 0)
            owed = self.ask(contract, at.manager, "collect", (token, ME, most, most))
            sides = [dict(zip(at.token_ids, side, strict=True)) for side in (worth, owed)]
            out[f"range#{token}"] = sides[0], sides[1]
        return out


def _some(amounts: dict[str, int]) -> dict[str, int]:
    return {token: amount for token, amount in amounts.items() if amount}
