"""A Morpho Blue market measured: several people lend, borrow and go, and some are liquidated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gas_lab import Lab

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Intent
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.state import ADAPTIVE, MarketState
from tidemill.venues.shared.client_parts import ERC20, ask
from tidemill.venues.shared.words import count_words

__all__ = ["measure"]

MAKER, EARLY, FEES = "0x" + "d1" * 20, "0x" + "d3" * 20, "0x" + "d2" * 20
POOR = tuple("0x" + pair * 20 for pair in ("a7", "b8"))
PEOPLE = tuple("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4", "f5"))
ENDOWMENT = 10**32
LLTV = 86 * 10**16
PRICE = 10**36


@dataclass
class Stand:
    """One market and everybody's client of it."""

    lab: Lab
    at: MorphoDeployment

    def client(self, who: str) -> MorphoClient:
        return MorphoClient(self.lab.anvil.rpc, self.at, venue="market", account=who)

    def market(self, who: str, *more: str) -> MarketState:
        return self.client(who).snapshot(accounts=more).markets["market"]

    def calls(self, who: str, verb: str, **args: int | str) -> list[tuple[Call, str]]:
        """A verb's transactions with their kinds, as the client sends them."""
        planned = self.client(who).plan(Intent("market", verb, args))
        seen, kinds = False, []
        for call in planned:
            kind = call.purpose if call.purpose != "approve" else "approve_reset" if seen else "approve"
            seen = seen or call.purpose != "approve"
            kinds.append((call, kind))
        return kinds

    def must(self, who: str, verb: str, **args: int | str) -> None:
        self.lab.must([(who, call) for call, _kind in self.calls(who, verb, **args)], verb)

    def words(self, who: str, *more: str) -> tuple[int, ...]:
        """What the model counts, read from the chain."""
        market = self.market(who, FEES, *more)
        held = [
            ask(self.lab.anvil.rpc, token, ERC20, "balanceOf", (one,), "latest")[0]
            for token in (self.at.loan, self.at.collateral)
            for one in (who, self.at.morpho)
        ]
        return (*held, *market.words(who), *(word for one in (FEES, *more) for word in market.words(one)[4:]))

    def act(self, who: str, verb: str, *, refused: bool = False, bad: bool = False, **args: int | str) -> None:
        """Do a verb, sometimes in the second in which the market was touched already, and count the words it moved."""
        lab, more = self.lab, [str(args["borrower"])] if "borrower" in args else []
        calls = self.calls(who, verb, **args)
        if refused:
            lab.act(who, verb, [call for call in calls if call[1] == verb], {"reverted": 1})
            assert lab.samples[-1].reason, f"{verb} was to be refused"
            return
        approvals, own = calls[:-1], calls[-1:]
        if calls[-1][1] == "approve_reset":
            approvals, own = calls[:-2], calls[-2:]
        at_once = verb not in ("accrue", "supply_collateral") and lab.random.randrange(3) == 0
        sent = []
        for call, kind in approvals:
            sent.append(lab.send(who, call, kind)[0])
        if at_once:
            self.must(EARLY, "accrue")
            lab.anvil.rpc.request("anvil_setBlockTimestampInterval", 0)
        before, was = self.words(who, *more), self.market(who)
        features: dict[str, int] = {}
        lab.act(who, verb, own, features)
        lab.anvil.rpc.request("anvil_setBlockTimestampInterval", lab.random.choice((2, 12, 600)))
        sample = lab.samples[-1]
        assert sample.reason is None, f"{verb} reverted"
        object.__setattr__(sample, "sent", (*sent, *sample.sent))
        features |= count_words(zip(before, self.words(who, *more), strict=True))
        features["accruals"] = int(self.market(who).last_update != was.last_update)
        owing = bool(self.market(who).of(who).borrow_shares)
        features["fees_taken"] = int(features["accruals"] and was.fee != 0)
        features["health_checks"] = int(verb in ("borrow", "liquidate") or (verb == "withdraw_collateral" and owing))
        if verb in ("supply", "repay"):
            features["by_shares"] = int("shares" in args)
        features["bad_debts"] = int(bad)


def measure(lab: Lab, rounds: int) -> None:
    """Measure every verb of a market with the adaptive rate."""
    stand = _deploy(lab)
    for number in range(rounds):
        stand.must(MAKER, "set_fee", fee=10**17 - number if number % 2 == 0 else 0)
        for who in PEOPLE:
            _lend(stand, who)
            _borrow(stand, who)
        for who in POOR:
            _from_hand_to_mouth(stand, who)
    for number in range(rounds):
        stand.must(MAKER, "set_fee", fee=10**16 + number if number % 2 == 0 else 0)
        _fall(stand, PEOPLE[number % 5], PEOPLE[(number + 1) % 5], whole=number // 2 % 2 == 0)


def _deploy(lab: Lab) -> Stand:
    for who in (MAKER, EARLY, *PEOPLE, *POOR):
        lab.anvil.set_balance(who, 10**24)
    at = deploy(
        lab.anvil,
        MAKER,
        [
            Deployment("loan", "TestToken", ("Test Loan", "LON", 18)),
            Deployment("collateral", "TestToken", ("Test Collateral", "COL", 18)),
            Deployment("morpho", "Morpho", (MAKER,)),
            Deployment("oracle", "OracleMock", ()),
        ],
    )
    irm = deploy(lab.anvil, MAKER, [Deployment("irm", "AdaptiveCurveRate", (at["morpho"],))])["irm"]
    params = (at["loan"], at["collateral"], at["oracle"], irm, LLTV)
    told = {"loan_id": "LON@lab", "collateral_id": "COL@lab", "irm_name": ADAPTIVE}
    stand = Stand(lab, MorphoDeployment.of_market(at["morpho"], params, **told))
    token = Abi(artefact("TestToken").abi)
    mints: Sequence[tuple[str, Call]] = [
        (MAKER, Call(at[name], token.encode("mint", who, ENDOWMENT)))
        for name in ("loan", "collateral")
        for who in (EARLY, *PEOPLE)
    ]
    lab.must(mints, "endowing")
    stand.must(MAKER, "enable_irm", irm=ADAPTIVE)
    stand.must(MAKER, "enable_lltv", lltv=LLTV)
    stand.must(MAKER, "set_price", price=PRICE)
    stand.must(MAKER, "set_fee_recipient", to=FEES)
    # Somebody else is in already: the first ever pays for words that all later ones find set.
    stand.must(EARLY, "create_market")
    stand.must(EARLY, "supply", assets=10**27)
    stand.must(EARLY, "supply_collateral", assets=10**27)
    stand.must(EARLY, "borrow", assets=5 * 10**26)
    stand.must(MAKER, "set_fee", fee=1)
    stand.must(EARLY, "accrue")
    return stand


def _lend(stand: Stand, who: str) -> None:
    """Supply twice, withdraw some, then some more or everything."""
    random = stand.lab.random
    scale = 10 ** random.randrange(18, 23)
    for _ in range(2):
        stand.act(who, "supply", assets=random.randrange(1, 1_000) * scale // 1_000)
    if random.randrange(3) == 0:
        stand.act(who, "supply", shares=random.randrange(1, 1_000) * scale * 1_000)
    stand.act(who, "withdraw", assets=scale // 1_000)
    shares = stand.market(who).of(who).supply_shares
    stand.act(who, "withdraw", shares=shares if random.randrange(2) else shares // 3)
    stand.act(who, "withdraw", refused=True, assets=10**30)
    stand.act(who, "supply", refused=True, assets=scale)
    if random.randrange(3) == 0:
        stand.act(who, "accrue")


def _borrow(stand: Stand, who: str) -> None:
    """Put up collateral, borrow twice, pay back some or all, take collateral back."""
    random = stand.lab.random
    scale = 10 ** random.randrange(18, 23)
    for _ in range(2):
        stand.act(who, "supply_collateral", assets=scale)
        stand.act(who, "borrow", assets=random.randrange(1, 500) * scale // 1_000)
    stand.act(who, "borrow", refused=True, assets=10**31)
    stand.act(who, "withdraw_collateral", assets=scale // 10)
    stand.act(who, "withdraw_collateral", refused=True, assets=10**31)
    stand.act(who, "repay", assets=scale // 2_000)
    stand.act(who, "repay", refused=True, assets=scale)
    stand.act(who, "supply_collateral", refused=True, assets=scale)
    account = stand.market(who).of(who)
    if random.randrange(2):
        stand.act(who, "repay", shares=account.borrow_shares)
        stand.act(who, "withdraw_collateral", assets=account.collateral // (1 + random.randrange(2)))


def _from_hand_to_mouth(stand: Stand, who: str) -> None:
    """Bring all one has, and have nothing when one is paid: balances that go to zero and come from it."""
    scale = 10 ** stand.lab.random.randrange(18, 23)
    _empty(stand, who)
    _bring(stand, who, stand.at.loan, scale)
    stand.act(who, "supply", assets=scale)
    stand.act(who, "withdraw", assets=scale // 3)
    _bring(stand, who, stand.at.collateral, scale)
    stand.act(who, "supply_collateral", assets=scale)
    _empty(stand, who)
    stand.act(who, "borrow", assets=scale // 4)
    stand.act(who, "repay", assets=scale // 4)
    stand.act(who, "withdraw_collateral", assets=scale // 5)


def _bring(stand: Stand, who: str, token: str, amount: int) -> None:
    mint = Abi(artefact("TestToken").abi).encode("mint", who, amount)
    _empty(stand, who)
    stand.lab.must([(MAKER, Call(token, mint))], "bringing")


def _empty(stand: Stand, who: str) -> None:
    codec = Abi(artefact("TestToken").abi)
    for token in (stand.at.loan, stand.at.collateral):
        (held,) = ask(stand.lab.anvil.rpc, token, ERC20, "balanceOf", (who,), "latest")
        if held:
            stand.lab.must([(who, Call(token, codec.encode("transfer", MAKER, held)))], "emptying")


def _fall(stand: Stand, who: str, liquidator: str, *, whole: bool) -> None:
    """The price falls below what carries a loan: half of the collateral is seized, or all of it and a debt is left."""
    stand.must(who, "supply_collateral", assets=10**22)
    account = stand.market(who).of(who)
    market = stand.market(who)
    room = account.collateral * 86 // 100 - market.owed_up(account)
    stand.must(who, "borrow", assets=room * 99 // 100)
    stand.act(liquidator, "liquidate", refused=True, borrower=who, seized=1)
    stand.must(MAKER, "set_price", price=PRICE * (3 if whole else 9) // 10)
    seized = account.collateral if whole else account.collateral // 2
    stand.act(liquidator, "liquidate", bad=whole, borrower=who, seized=seized)
    stand.must(MAKER, "set_price", price=PRICE)
