"""Aave v3.0 and v3.6 measured: several people lend, borrow, repay, are liquidated and leave, in a market of three reserves."""

from __future__ import annotations

from dataclasses import dataclass

from gas_lab import Lab

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.venues.aave_v3.client import MarketDeployment, ReserveAt
from tidemill.venues.aave_v3.client_abi import ORACLE, POOL, POOL_36, RECEIPT
from tidemill.venues.aave_v3.local_market import Listed, deploy_market
from tidemill.venues.aave_v3.state import Config, Curve
from tidemill.venues.aave_v3.versions import V30
from tidemill.venues.shared.client_parts import ERC20, abi
from tidemill.venues.shared.words import count_words

__all__ = ["measure"]

MAKER, EARLY, KEEPER = "0x" + "d1" * 20, "0x" + "d3" * 20, "0x" + "d4" * 20
TREASURY = "0x" + "d5" * 20
PEOPLE = tuple("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4", "f5"))
FALLEN = tuple("0x" + pair * 20 for pair in ("a7", "b8", "c9"))
RAY, MAX = 10**27, (1 << 256) - 1
CURVE = Curve(8 * RAY // 10, 0, 4 * RAY // 100, 60 * RAY // 100)
RISK = Config(ltv=7_500, threshold=8_000, bonus=10_500, reserve_factor=1_000, liquidation_fee=1_000)
TOKENS = {"USD": (6, 10**8), "ETH": (18, 2_000 * 10**8), "BTC": (8, 30_000 * 10**8)}


@dataclass
class Stand:
    """The market, and everything that its verbs may write (read from the chain)."""

    lab: Lab
    at: MarketDeployment
    version: int = V30
    borrower: str = ""
    """A contract that takes flash loans."""

    def ask(self, to: str, contract: str, function: str, *args: object) -> tuple[int, ...]:
        codec = abi(contract)
        return codec.decode(function, self.lab.anvil.rpc.call(to, codec.encode(function, *args)))

    def words(self, people: tuple[str, ...]) -> list[int]:
        """What the model counts."""
        out: list[int] = []
        for reserve in self.at.reserves.values():
            d = self.ask(self.at.pool, POOL, "getReserveData", reserve.token)
            out += [d[1] | d[2] << 128, d[3] | d[4] << 128, d[5] | d[6] << 128, d[14]]
            virtual, deficit = self._newer(reserve.token) if self.version != V30 else (0, 0)
            out += [d[12] | virtual << 128, deficit]
            for token in (reserve.supply, reserve.debt):
                out += self.ask(token, RECEIPT, "scaledTotalSupply")
                for who in people:
                    (scaled,) = self.ask(token, RECEIPT, "scaledBalanceOf", who)
                    (index,) = self.ask(token, RECEIPT, "getPreviousIndex", who)
                    out.append(scaled | index << 128)
            for who in (*people, reserve.supply):
                out += self.ask(reserve.token, ERC20, "balanceOf", who)
        for who in people:
            out += self.ask(self.at.pool, POOL, "getUserConfiguration", who)
            out += self.ask(self.at.pool, POOL, "getUserEMode", who)
        return out

    def _newer(self, token: str) -> tuple[int, int]:
        """What v3.6 counts itself, and what it has written off."""
        virtual, deficit = (
            self.ask(self.at.pool, POOL_36, view, token)[0]
            for view in ("getVirtualUnderlyingBalance", "getReserveDeficit")
        )
        return virtual, deficit

    def act(
        self,
        who: str,
        verb: str,
        function: str,
        *args: object,
        pay: tuple[str, int] | None = None,
        whose: str = "",
    ) -> None:
        """Do a verb with its exact approval and count the words it moved; ``whose`` else has to do with it."""
        call = Call(self.at.pool, Abi(artefact("Pool").abi).encode(function, *args), purpose=verb)
        calls = [(call, verb)]
        if pay is not None:
            approve = Call(pay[0], abi(ERC20).encode("approve", self.at.pool, pay[1]), purpose="approve")
            calls.insert(0, (approve, "approve"))
            if verb != "supply":
                reset = Call(pay[0], abi(ERC20).encode("approve", self.at.pool, 0), purpose="approve")
                calls.append((reset, "approve_reset"))
        people = (who, TREASURY, *([whose] if whose else []))
        before, (was,) = self.words(people), self.ask(self.at.pool, POOL, "getUserConfiguration", whose or who)
        (category,) = self.ask(self.at.pool, POOL, "getUserEMode", who)
        features: dict[str, int] = {}
        self.lab.act(who, verb, calls, features)
        features |= count_words(zip(before, self.words(people), strict=True))
        if verb == "set_emode":
            looks = args[0] != category if self.version != V30 else category
            word = was if looks else 0
        else:
            word = self._valued(verb, who, was, args)
        named = [i for i in range(len(TOKENS)) if word >> 2 * i & 3]
        # A verb brings its own reserve up to date before it looks, but for the one that moves nothing.
        fresh = -1 if verb in ("set_collateral", "set_emode") else self._place(args[1:] if whose else args)
        features["collateral_valued"] = sum(word >> 2 * i + 1 & 1 for i in named)
        features["debt_valued"] = sum(word >> 2 * i & 1 for i in named)
        features["reserves_valued"] = len(named)
        features["reserves_stale"] = sum(i != fresh for i in named)
        features["received_supply"] = int(verb == "liquidate" and bool(args[4]))
        features["switched_on"] = int(verb == "set_collateral" and bool(args[1]))
        if self.version != V30:
            others = sum(was >> 2 * i + 1 & 1 for i in range(len(TOKENS)))
            features["isolation_sought"] = int(features["switched_on"] and others == 1)

    def _valued(self, verb: str, who: str, was: int, args: tuple[object, ...]) -> int:
        """The account's word where the pool must see that it stays healthy, else 0."""
        (left,) = self.ask(self.at.pool, POOL, "getUserConfiguration", who)
        if verb == "borrow" and self.version != V30:
            return left  # it looks once the loan is made
        if verb in ("borrow", "liquidate"):
            return was
        if verb in ("flash_loan_simple", "mint_to_treasury"):
            return 0
        owes = any(left >> 2 * i & 1 for i in range(len(TOKENS)))
        used = was >> 2 * self._place(args) + 1 & 1
        if verb == "withdraw" or (verb == "repay_with_supply" and self.version != V30):
            return left if used and owes else 0
        return left if verb == "set_collateral" and used and not args[1] else 0

    def _place(self, args: tuple[object, ...]) -> int:
        token = args[0][0] if isinstance(args[0], list) else args[0]
        return [reserve.token for reserve in self.at.reserves.values()].index(str(token))


def measure(lab: Lab, rounds: int, version: int = V30) -> None:
    """Measure every verb of one's own into ``lab``."""
    for who in (MAKER, EARLY, KEEPER, *PEOPLE, *FALLEN):
        lab.anvil.set_balance(who, 10**24)
    stand = _market(lab, version)
    for number in range(rounds):
        for who in PEOPLE:
            _life(stand, who, leave=number % 2 == 1)
            _care(stand, number)
        for place, who in enumerate(FALLEN):
            _fall(stand, who, PEOPLE[(number + place) % 5], number)


def _market(lab: Lab, version: int) -> Stand:
    at = deploy(lab.anvil, MAKER, [Deployment(s, "TestToken", (s, s, d)) for s, (d, _) in TOKENS.items()])
    listed = [Listed(at[s], decimals, price, RISK, CURVE) for s, (decimals, price) in TOKENS.items()]
    market = deploy_market(lab.anvil, MAKER, TREASURY, listed, version=version)
    stand = Stand(lab, MarketDeployment.of_pool(lab.anvil.rpc, market.pool, at), version)
    _category(stand)
    stand.borrower = deploy(lab.anvil, MAKER, [Deployment("borrower", "FlashBorrower")])["borrower"]
    mint = Abi(artefact("TestToken").abi)
    for token in at.values():
        everybody = (EARLY, KEEPER, stand.borrower, *PEOPLE, *FALLEN)
        lab.must([(MAKER, Call(token, mint.encode("mint", who, 10**30))) for who in everybody], "endowing")
        lab.must([(EARLY, Call(token, mint.encode("approve", market.pool, MAX)))], "approving")
    # Somebody is in already: the first ever pays for words that all later ones find set.
    units = {s: 10**d * 10**8 // p * 10**7 for s, (d, p) in TOKENS.items()}
    for symbol, amount in units.items():
        supply = abi(POOL).encode("supply", at[symbol], amount, EARLY, 0)
        lab.must([(EARLY, Call(market.pool, supply))], "coming first")
    for symbol, amount in units.items():
        borrow = abi(POOL).encode("borrow", at[symbol], amount // 3, 2, 0, EARLY)
        lab.must([(EARLY, Call(market.pool, borrow))], "borrowing first")
    return stand


def _category(stand: Stand) -> None:
    """Put the dollar and ether into one e-mode category."""
    codec, rpc = Abi(artefact("PoolAddressesProvider").abi), stand.lab.anvil.rpc
    (provider,) = stand.ask(stand.at.pool, POOL, "ADDRESSES_PROVIDER")
    (configurator,) = codec.decode("getPoolConfigurator", rpc.call(str(provider), codec.encode("getPoolConfigurator")))
    members = [stand.at.reserves[symbol].token for symbol in ("USD", "ETH")]
    codec = Abi(artefact("PoolConfigurator" if stand.version == V30 else "PoolConfiguratorInstance").abi)
    if stand.version == V30:
        calls = [codec.encode("setEModeCategory", 1, 9_000, 9_300, 10_200, "0x" + "00" * 20, "")]
        calls += [codec.encode("setAssetEModeCategory", token, 1) for token in members]
    else:
        calls = [codec.encode("setEModeCategory", 1, 9_000, 9_300, 10_200, "")]
        roles = ("setAssetCollateralInEMode", "setAssetBorrowableInEMode")
        calls += [codec.encode(role, token, 1, True) for token in members for role in roles]
    stand.lab.must([(MAKER, Call(configurator, data)) for data in calls], "making a category")


def _care(stand: Stand, number: int) -> None:
    """What anybody does for the pool, or with it for a moment."""
    random, reserves = stand.lab.random, list(stand.at.reserves.values())
    reserve = reserves[number % 3]
    stand.act(KEEPER, "mint_to_treasury", "mintToTreasury", [reserve.token])
    (idle,) = stand.ask(reserve.token, ERC20, "balanceOf", reserve.supply)
    for amount in (idle // random.randrange(10, 100), idle + 1):
        args = (stand.borrower, reserve.token, amount, b"", 0)
        stand.act(KEEPER, "flash_loan_simple", "flashLoanSimple", *args, whose=stand.borrower)


def _fall(stand: Stand, who: str, liquidator: str, number: int) -> None:
    """Collateral falls below what carries a loan: half of the loan is paid, or all of it that collateral covers."""
    random, symbols = stand.lab.random, list(stand.at.reserves)
    random.shuffle(symbols)
    a, c = (stand.at.reserves[symbol] for symbol in symbols[:2])
    units = {s: 10 ** TOKENS[s][0] * 10**8 // TOKENS[s][1] for s in TOKENS}
    amount, owed = units[symbols[0]] * 10_000, units[symbols[1]] * 7_000
    approve = abi(ERC20).encode("approve", stand.at.pool, MAX)
    pool = [
        abi(POOL).encode("supply", a.token, amount, who, 0),
        abi(POOL).encode("borrow", c.token, owed, 2, 0, who),
    ]
    for to, data in ((a.token, approve), (c.token, approve), *((stand.at.pool, data) for data in pool)):
        stand.lab.must([(who, Call(to, data))], "owing")
    # Refused without an approval, which would stand in the way of the next one's.
    stand.act(liquidator, "liquidate", "liquidationCall", a.token, c.token, who, owed // 3, False, whose=who)
    _price(stand, symbols[0], 86 if number % 3 else 40)
    _strike(stand, liquidator, who, a, c, owed // random.randrange(3, 6) if number % 2 else MAX, receive=number % 4 > 1)
    if number % 3 == 1:
        _strike(stand, liquidator, who, a, c, MAX, receive=number % 4 < 2)
    _price(stand, symbols[0], 100)
    for function, to in (("repay", c), ("withdraw", a)):
        (left,) = stand.ask(to.debt if function == "repay" else to.supply, RECEIPT, "balanceOf", who)
        args = (to.token, MAX, 2, who) if function == "repay" else (to.token, MAX, who)
        if left:
            stand.lab.must([(who, Call(stand.at.pool, abi(POOL).encode(function, *args)))], function)


def _strike(stand: Stand, liquidator: str, who: str, a: ReserveAt, c: ReserveAt, cover: int, *, receive: bool) -> None:
    (owed,) = stand.ask(c.debt, RECEIPT, "balanceOf", who)
    due, args = min(cover, owed + owed // 1_000 + 1), (a.token, c.token, who, cover, receive)
    stand.act(liquidator, "liquidate", "liquidationCall", *args, pay=(c.token, due), whose=who)
    if stand.lab.samples[-1].reason is not None:  # what a refusal leaves is taken back
        reset = abi(ERC20).encode("approve", stand.at.pool, 0)
        stand.lab.must([(liquidator, Call(c.token, reset))], "taking an allowance back")


def _price(stand: Stand, symbol: str, percent: int) -> None:
    data = abi(ORACLE).encode("setAssetPrice", stand.at.reserves[symbol].token, TOKENS[symbol][1] * percent // 100)
    stand.lab.must([(MAKER, Call(stand.at.oracle, data))], "pricing")


def _life(stand: Stand, who: str, *, leave: bool) -> None:
    """Lend two tokens, borrow the third, pay back some of it in either way, and stay or leave."""
    random, reserves = stand.lab.random, list(stand.at.reserves.items())
    random.shuffle(reserves)
    (first, a), (second, b), (third, c) = reserves
    amounts = {s: 10 ** TOKENS[s][0] * 10**8 // TOKENS[s][1] * random.randrange(1_000, 9_000) for s in TOKENS}
    for symbol, reserve in ((first, a), (second, b)):
        amount = amounts[symbol]
        stand.act(who, "supply", "supply", reserve.token, amount, who, 0, pay=(reserve.token, amount))
    stand.act(who, "set_collateral", "setUserUseReserveAsCollateral", b.token, False)
    stand.act(who, "set_collateral", "setUserUseReserveAsCollateral", b.token, True)
    stand.act(who, "set_emode", "setUserEMode", 7)
    stand.act(who, "set_emode", "setUserEMode", 1)
    stand.act(who, "set_emode", "setUserEMode", 0)
    stand.act(who, "borrow", "borrow", c.token, amounts[third] // 20, 2, 0, who)
    if third != "BTC":
        stand.act(who, "set_emode", "setUserEMode", 1)
        stand.act(who, "set_emode", "setUserEMode", 0)
    stand.act(who, "borrow", "borrow", c.token, amounts[third] // 30, 2, 0, who)
    stand.act(who, "withdraw", "withdraw", a.token, amounts[first] // 10, who)
    _pay(stand, who, c, amounts[third] // 40)
    stand.act(who, "supply", "supply", c.token, amounts[third] // 50, who, 0, pay=(c.token, amounts[third] // 50))
    stand.act(who, "repay_with_supply", "repayWithATokens", c.token, amounts[third] // 60, 2)
    stand.act(who, "borrow", "borrow", c.token, amounts[third] * 10**4, 2, 0, who)
    stand.act(who, "withdraw", "withdraw", a.token, MAX // 2, who)
    if leave:
        _pay(stand, who, c, MAX)
        for reserve in (a, b, c):
            stand.act(who, "withdraw", "withdraw", reserve.token, MAX, who)
        stand.act(who, "repay", "repay", c.token, MAX, 2, who)
        stand.act(who, "supply", "supply", a.token, 10**6, who, 0)
        stand.act(who, "set_collateral", "setUserUseReserveAsCollateral", a.token, True)
        stand.act(who, "repay_with_supply", "repayWithATokens", c.token, 10**6, 2)


def _pay(stand: Stand, who: str, reserve: ReserveAt, amount: int) -> None:
    (owed,) = stand.ask(reserve.debt, RECEIPT, "balanceOf", who)
    due = min(amount, owed + owed // 1_000 + 1)
    stand.act(who, "repay", "repay", reserve.token, amount, 2, who, pay=(reserve.token, due))
