"""A vault over two Morpho Blue markets measured: several people come and go, by assets and by shares.

What is counted comes from the models, which stand in the same state and call one another as the contracts do: the twin
tests hold their counts to the chain's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gas_lab import Lab
from gas_morpho import LLTV, PRICE

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent, Result, Transfer
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.state import ADAPTIVE
from tidemill.venues.morpho_vault.client import LendingVaultClient
from tidemill.venues.morpho_vault.client_abi import MarketAt, VaultDeployment
from tidemill.venues.morpho_vault.model import LendingVaultModel

__all__ = ["measure"]

MAKER, EARLY, FEES = "0x" + "d1" * 20, "0x" + "d3" * 20, "0x" + "d2" * 20
PEOPLE = tuple("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4", "f5"))
ENDOWMENT = 10**30
UNIT = 10**18
NAMES = {"loan": "LOAN@op", "collateral": "COL@op", "vault": "SHARE@op"}
MARKETS = ("first", "second")


class Stand:
    """The contracts, everybody's clients, and both models over balances read from the chain."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        for who in (MAKER, EARLY, FEES, *PEOPLE):
            lab.anvil.set_balance(who, 10**24)
        made = [Deployment(name, "TestToken", (name, name, 18)) for name in ("loan", "collateral")]
        made += [
            Deployment("morpho", "Morpho", (MAKER,)),
            Deployment("irm", "AdaptiveCurveRate", (AddressOf("morpho"),)),
        ]
        made += [Deployment(f"oracle {name}", "OracleMock", ()) for name in MARKETS]
        made.append(Deployment("vault", "LendingVault", (AddressOf("loan"), MAKER, "Vault", "SHARE", 0)))
        self.at = {name: address.lower() for name, address in deploy(lab.anvil, MAKER, made).items()}
        at, ids = self.at, {"loan_id": NAMES["loan"], "collateral_id": NAMES["collateral"], "irm_name": ADAPTIVE}
        self.markets = {
            name: MorphoDeployment.of_market(
                at["morpho"], (at["loan"], at["collateral"], at[f"oracle {name}"], at["irm"], LLTV), **ids
            )
            for name in MARKETS
        }
        places = {name: MarketAt(one.morpho, one.params, one.id) for name, one in self.markets.items()}
        self.where = VaultDeployment(at["vault"], at["loan"], NAMES["loan"], NAMES["vault"], 1, places)
        self.accounts = dict.fromkeys(MARKETS, at["morpho"]) | {"vault": at["vault"]}
        self.lending = MorphoModel()
        self.vaults = LendingVaultModel()
        params = {"account": at["vault"], "asset": NAMES["loan"], "share": NAMES["vault"], "owner": MAKER}
        self.state = self.vaults.init(params)
        self.books: dict[str, Any] = {}
        self.held: dict[tuple[str, str], int] = {}

    def plan(self, who: str, where: str, verb: str, args: Mapping[str, Any]) -> list[Call]:
        """Encode a verb at the vault or in a market."""
        rpc = self.lab.anvil.rpc
        if where == "vault":
            return list(LendingVaultClient(rpc, self.where, venue="v", account=who).plan(Intent("v", verb, dict(args))))
        client = MorphoClient(rpc, self.markets[where], venue=where, account=who)
        return list(client.plan(Intent(where, verb, dict(args))))

    def must(self, who: str, where: str, verb: str, **args: Any) -> None:
        """Do something that is not measured."""
        self.lab.must([(who, call) for call in self.plan(who, where, verb, args)], verb)
        if where == "vault":
            self._follow(who, verb, args)

    def act(self, who: str, verb: str, **args: Any) -> None:
        """Do a verb of the vault and count what moved."""
        calls, seen = [], False
        for call in self.plan(who, "vault", verb, args):
            kind = call.purpose if call.purpose != "approve" else "approve_reset" if seen else "approve"
            seen = seen or call.purpose != "approve"
            calls.append((call, kind))
        self._look()
        after = [one for one in calls if one[1] == "approve_reset"]
        before = calls[: len(calls) - len(after)]
        features: dict[str, int] = {}
        self.lab.act(who, verb, before, features)
        features |= self._follow(who, verb, args)
        sample = self.lab.samples[-1]
        sent = [self.lab.send(who, call, kind)[0] for call, kind in after]
        object.__setattr__(sample, "sent", (*sample.sent, *sent))

    def refuse(self, who: str, verb: str, **args: Any) -> None:
        """Do a verb that is refused, without the approval in front of it."""
        call = next(one for one in self.plan(who, "vault", verb, args) if one.purpose == verb)
        self.lab.act(who, verb, [(call, verb)], {"reverted": 1})

    def _look(self) -> None:
        """Read markets and balances as they stand."""
        rpc = self.lab.anvil.rpc
        for name, one in self.markets.items():
            client = MorphoClient(rpc, one, venue=name, account=self.at["vault"])
            self.books[name] = client.snapshot()
        client = LendingVaultClient(rpc, self.where, venue="v", account=MAKER)
        people = (*PEOPLE, EARLY, FEES, self.at["vault"], self.at["morpho"])
        tokens = (NAMES["loan"], NAMES["vault"])
        self.held = {(token, who): client.read("balance", token, who) for token in tokens for who in people}

    def _follow(self, who: str, verb: str, args: Mapping[str, Any]) -> Mapping[str, int]:
        """Let the models do what was done, in the state read before it."""
        if not self.books:
            self._look()
        seen = self.lab.anvil.rpc.block()
        inside = _Inside(self, Block(time=seen.timestamp, number=seen.number), who)
        features = self.vaults.apply(self.state, Action(verb, dict(args)), inside).features
        self.state = LendingVaultClient(self.lab.anvil.rpc, self.where, venue="v", account=MAKER).snapshot()
        self.books = {}
        return features


class _Inside:
    """`Context` over balances read from the chain."""

    def __init__(self, stand: Stand, block: Block, sender: str) -> None:
        self.stand, self.block, self.sender = stand, block, sender

    def balance(self, token: str, account: str) -> int:
        return self.stand.held.get((token, account), 0)

    def move(self, transfer: Transfer) -> None:
        held = self.stand.held
        held[transfer.token, transfer.source] = self.balance(transfer.token, transfer.source) - transfer.amount
        held[transfer.token, transfer.target] = self.balance(transfer.token, transfer.target) + transfer.amount

    def call(self, venue: str, action: Action) -> Result:
        below = _Inside(self.stand, self.block, self.stand.at["vault"])
        result = self.stand.lending.apply(self.stand.books[venue], action, below)
        for transfer in result.transfers:
            self.move(transfer)
        return result

    def read(self, venue: str, query: str, *args: Any) -> Any:
        return self.stand.lending.read(self.stand.books[venue], query, *args)


def measure(lab: Lab, rounds: int) -> None:
    """Measure every verb of those who hold the vault."""
    stand, token = Stand(lab), Abi(artefact("TestToken").abi)
    for name in ("loan", "collateral"):
        for who in (EARLY, *PEOPLE):
            lab.must([(MAKER, Call(stand.at[name], token.encode("mint", who, ENDOWMENT)))], "endowing")
    stand.must(MAKER, "first", "enable_irm", irm=ADAPTIVE)
    stand.must(MAKER, "first", "enable_lltv", lltv=LLTV)
    for name in MARKETS:
        stand.must(MAKER, name, "create_market", market=name, loan="", collateral="", irm=ADAPTIVE, lltv=LLTV, price=0)
        stand.must(MAKER, name, "set_price", price=PRICE)
        stand.must(EARLY, name, "supply", assets=10**9 * UNIT)
        stand.must(EARLY, name, "supply_collateral", assets=10**10 * UNIT)
        stand.must(EARLY, name, "borrow", assets=8 * 10**8 * UNIT)
    for name, cap in zip(MARKETS, (10**5, 10**7), strict=True):
        stand.must(MAKER, "vault", "add_market", venue=name, market=name, cap=cap * UNIT)
    stand.must(MAKER, "vault", "set_supply_queue", queue="0,1")
    stand.must(EARLY, "vault", "deposit", assets=9 * 10**4 * UNIT)
    for number in range(rounds):
        fee = 10**17 if number % 2 == 0 else 0
        stand.must(MAKER, "vault", "set_fee", fee=fee, recipient=FEES)
        for who in PEOPLE:
            _come_and_go(stand, who)


def _come_and_go(stand: Stand, who: str) -> None:
    """Come by assets and by shares, go by either, sometimes altogether; what is too much is refused."""
    random, share = stand.lab.random, NAMES["vault"]
    stand.act(who, "deposit", assets=random.randrange(1, 10**4) * 10**17)
    stand.act(who, "mint", shares=random.randrange(1, 10**4) * 10**17)
    for verb in ("deposit", "mint"):
        stand.refuse(who, verb, **{"assets" if verb == "deposit" else "shares": 10**8 * UNIT})
    for verb in ("withdraw", "redeem"):
        stand.refuse(who, verb, **{"assets" if verb == "withdraw" else "shares": 10**8 * UNIT})
    held = LendingVaultClient(stand.lab.anvil.rpc, stand.where, venue="v", account=who).read("balance", share, who)
    stand.act(who, "withdraw", assets=held // random.randrange(2, 5))
    stand.act(who, "redeem", shares=held // random.randrange(4, 9))
    if random.random() < 0.3:
        left = LendingVaultClient(stand.lab.anvil.rpc, stand.where, venue="v", account=who).read("balance", share, who)
        stand.act(who, "redeem", shares=left)
