"""Uniswap v2 twice: model and real bytecode under the same actions by several actors, compared after each.

Three pairs of three tokens, so that paths of one, two and three hops are taken, also through one pair twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from harness import Driver, assert_same, both
from harness.book import Book, Ctx, ModelSide, counted, numbers
from harness.v2 import V2
from tidemill.interfaces import Action, Event, Result, Revert
from tidemill.venues.uniswap_v2.model import ExchangeModel
from tidemill.venues.uniswap_v2.state import ExchangeState

SETUPS = [((18, 6, 8), 1), ((18, 18, 18), 2), ((2, 24, 6), 3)]
"""Decimals of the three tokens, seed."""

NAMES = {"Mint", "Burn", "Swap", "Sync", "Transfer"}
PAIRS = ((0, 1), (0, 2), (1, 2))
WEEK = 7 * 86_400


class Twins:
    """Model and bytecode of one exchange, with the same actors."""

    def __init__(self, decimals: tuple[int, int, int], seed: int | str) -> None:
        self.real = V2(decimals=decimals)
        self.evm = self.real.evm
        self.ids = [f"T{i}@test" for i in range(3)]
        self.whole = [10 ** token.view("decimals") for token in self.real.tokens]
        self.accounts = {pair: contract.address for pair, contract in self.real.pairs.items()}
        self.lps = {pair: f"LP{pair[0]}{pair[1]}@test" for pair in PAIRS}
        model = ExchangeModel()
        pairs = [(self.accounts[p], self.ids[p[0]], self.ids[p[1]], self.lps[p]) for p in PAIRS]
        state: ExchangeState = model.init({"pairs": pairs})
        book = Book()
        for token in self.ids:
            for who in self.real.actors.values():
                book.add(token, who, 1 << 118)
        self.model = ModelSide(model, state, book, lambda: self.evm.block)
        self.log_reader, self.seen = model, model.init({"pairs": pairs})  # told what was logged only
        self.heard: list[Event] = []
        self.driver = Driver(
            seed,
            {
                "add_liquidity": (22, self._add),
                "remove_liquidity": (13, self._remove),
                "swap_exact_in": (13, lambda r: self._swap(r, "swap_exact_in")),
                "swap_exact_out": (13, lambda r: self._swap(r, "swap_exact_out")),
                "send": (9, self._send),
                "pair_mint": (11, self._pair_mint),
                "pair_burn": (12, self._pair_burn),
                "pair_swap": (13, self._pair_swap),
                "skim": (9, lambda r: self._plain(r, "skim")),
                "sync": (9, lambda r: self._plain(r, "sync")),
                "set_fee_to": (9, self._set_fee_to),
            },
        )

    # -- both sides ----------------------------------------------------------------------------------------------------

    def do(self, real: Callable[[], Any], sender: str, action: Action) -> tuple[Any, Result]:
        """Do one act on both; raises ``Revert`` when both refused alike."""
        before = self._words()
        got, made = both(real, lambda: self.model.do(sender, action))
        assert isinstance(made, Result)
        self._check_log(made)
        after = self._words()
        moved = [(before[key], after[key]) for key in before]
        assert_same({**self._plain_features(action, made), **counted(moved)}, made.features, "what moves gas")
        return got, made

    def _plain_features(self, action: Action, made: Result) -> dict[str, int]:
        """Features that follow from what was asked for and what was taken."""
        asked, taken = {**action.args, **action.limits}, made.amounts
        shares = {"protocol_shares": sum(e.name == "Transfer" and e.args["to"] == self.real.fee_to for e in self.heard)}
        shares["protocol_on"] = int(int(self.real.factory.view("feeTo"), 16) > 0)
        if action.verb == "add_liquidity":
            left = sum(taken[name] < int(asked[f"{name}_desired"]) for name in ("amount0", "amount1"))
            return {"approvals": 2, "allowances_left": left, "allowances_used_up": 2 - left, **shares}
        if action.verb in ("remove_liquidity", "pair_mint", "pair_burn"):
            return shares
        if not action.verb.startswith("swap_exact"):
            return {}
        hops = {"hops": str(asked["path"]).count(">")}
        if action.verb == "swap_exact_in":
            return hops
        left = int(taken["amount_in"] < int(asked["amount_in_max"]))
        return {**hops, "allowances_left": left, "allowances_used_up": 1 - left}

    def _words(self) -> dict[Any, int]:
        """Every storage word that a verb may write: pairs', shares' and tokens' (the zero address's shares apart)."""
        words: dict[Any, int] = {}
        people = [*self.real.actors.values(), *self.accounts.values(), self.real.fee_to]
        for pair, contract in self.real.pairs.items():
            words[pair, "packed"] = self.evm.storage(contract.address, 8)
            for name in ("price0CumulativeLast", "price1CumulativeLast", "kLast", "totalSupply"):
                words[pair, name] = contract.view(name)
            for who in people:
                words[pair, who] = contract.view("balanceOf", who)
        for index, token in enumerate(self.real.tokens):
            for who in people:
                words[index, who] = token.view("balanceOf", who)
        return words

    def _check_log(self, made: Result) -> None:
        """Every number of every event of every pair, in order; and a reader of the log alone must end alike."""
        self.heard.clear()
        for contract in self.real.pairs.values():
            real = [(name, numbers(args)) for name, args in contract.events() if name in NAMES]
            mine = [e for e in made.events if e.args["pair"] == contract.address]
            assert_same(real, [(e.name, numbers(e.args)) for e in mine], "events")
            self.overhear(contract)

    def overhear(self, contract: Any) -> None:
        """Tell the reader of logs what a pair has just logged, as its bytecode did, with the block's time."""
        ctx = Ctx(self.evm.block, "", self.model.book)
        for name, args in contract.events():
            if name in NAMES:
                self.heard.append(Event(name, {**args, "pair": contract.address}))
                self.log_reader.replay(self.seen, self.heard[-1], ctx)

    # -- draws ---------------------------------------------------------------------------------------------------------

    def who(self, r: random.Random) -> str:
        return r.choice(list(self.real.actors.values()))

    def _part(self, r: random.Random, whole: int) -> int:
        """Mostly part of what is there; sometimes nothing, everything, one wei or too much."""
        pick = r.random()
        if pick < 0.03:
            return 0
        if pick < 0.07:
            return whole
        if pick < 0.1:
            return whole + 1 + r.randrange(1 << 20)
        if pick < 0.16:
            return r.randrange(1, 4)
        return r.randrange(whole + 1) >> r.randrange(0, 30)

    def _pass_time(self, r: random.Random) -> None:
        if r.random() < 0.7:
            self.evm.advance(seconds=r.choice((1, 12, 3_600, WEEK)))

    def _add(self, r: random.Random) -> None:
        self._pass_time(r)
        pair, who = r.choice(PAIRS), self.who(r)
        reserves = self.real.pairs[pair].view("getReserves")[:2]
        if min(reserves) and r.random() < 0.8:
            share = r.randrange(1, 1 << 20)
            if share % 8:  # mostly no more than one has, and little once a pair is nearly full: late in a long life
                own = [self.model.book.held.get((self.ids[i], who), 0) for i in pair]
                room = [max((1 << 108) - held, held >> 10) for held in reserves]
                most = (min(two) for two in zip(own, room, strict=True))
                share = min(share, *((part << 20) // held for part, held in zip(most, reserves, strict=True)))
            desired = [max(1, held * share >> 20) + r.randrange(0, 3) for held in reserves]
        else:
            desired = [self._part(r, self.whole[i] << r.randrange(1, 30)) for i in pair]
        least = [r.choice((0, 0, d, d * 9 // 10)) for d in desired]
        deadline = self.real.deadline() - int(r.random() < 0.03)
        self.add(pair, who, desired, least, deadline, flip=r.random() < 0.3)

    def add(
        self,
        pair: tuple[int, int],
        who: str,
        desired: list[int],
        least: list[int],
        deadline: int,
        *,
        flip: bool = False,
    ) -> Result:
        """Add liquidity through the router, which may be told the tokens either way round."""
        order = (1, 0) if flip else (0, 1)
        tokens = [self.real.tokens[pair[i]].address for i in order]
        args = [*tokens, *(desired[i] for i in order), *(least[i] for i in order), who, deadline]
        action = Action(
            "add_liquidity",
            {
                "pair": self.accounts[pair],
                "amount0_desired": desired[0],
                "amount1_desired": desired[1],
                **({"first": self.ids[pair[1]]} if flip else {}),
            },
            {"amount0_min": least[0], "amount1_min": least[1], "deadline": deadline},
        )
        got, made = self.do(lambda: self.real.router.send(who, "addLiquidity", *args), who, action)
        amounts = (got[0], got[1]) if not flip else (got[1], got[0])
        assert_same({"amount0": amounts[0], "amount1": amounts[1], "liquidity": got[2]}, made.amounts)
        return made

    def _remove(self, r: random.Random) -> None:
        self._pass_time(r)
        pair = r.choice(PAIRS)
        lp = self.real.pairs[pair]
        holders = [who for who in self.real.actors.values() if lp.view("balanceOf", who)]
        who = r.choice(holders) if holders and r.random() < 0.9 else self.who(r)
        liquidity = self._part(r, lp.view("balanceOf", who))
        supply = max(lp.view("totalSupply"), 1)
        fair = [held * liquidity // supply for held in lp.view("getReserves")[:2]]
        least = [r.choice((0, 0, f * 9 // 10, f + 1 if r.random() < 0.3 else 0)) for f in fair]
        self.remove(pair, who, liquidity, least, flip=r.random() < 0.3)

    def remove(
        self, pair: tuple[int, int], who: str, liquidity: int, least: list[int], *, flip: bool = False
    ) -> Result:
        """Remove liquidity through the router."""
        order = (1, 0) if flip else (0, 1)
        tokens = [self.real.tokens[pair[i]].address for i in order]
        args = [*tokens, liquidity, *(least[i] for i in order), who, self.real.deadline()]
        action = Action(
            "remove_liquidity",
            {
                "pair": self.accounts[pair],
                "liquidity": liquidity,
                **({"first": self.ids[pair[1]]} if flip else {}),
            },
            {"amount0_min": least[0], "amount1_min": least[1], "deadline": self.real.deadline()},
        )
        got, made = self.do(lambda: self.real.router.send(who, "removeLiquidity", *args), who, action)
        amounts = (got[1], got[0]) if flip else got
        assert_same({"amount0": amounts[0], "amount1": amounts[1]}, made.amounts)
        return made

    def _swap(self, r: random.Random, verb: str) -> None:
        self._pass_time(r)
        hops = r.choice((1, 1, 2, 2, 3))
        path = [r.randrange(3)]
        while len(path) <= hops:
            # Straight back through the pair just used, now and then: it pays itself, and mostly refuses.
            back = path[-2] if len(path) > 1 and r.random() < 0.85 else None
            path.append(r.choice([i for i in range(3) if i not in (path[-1], back)]))
        if r.random() < 0.025:
            path = path[:1]
        exact_in = verb == "swap_exact_in"
        ends = path[:2] if exact_in else path[-2:]
        reserve = self._reserve(ends[0 if exact_in else -1], ends[-1 if exact_in else 0])
        amount = self._part(r, reserve if exact_in else reserve // 2 + 2) or int(r.random() < 0.6)
        try:
            quote = self.real.router.view(
                "getAmountsOut" if exact_in else "getAmountsIn", amount, [self.real.tokens[i].address for i in path]
            )
        except Revert:
            quote = [0]
        fair = quote[-1] if exact_in else quote[0]
        limit = fair if r.random() < 0.5 else fair * (9 if exact_in else 11) // 10
        if r.random() < 0.05:
            limit = fair + 1 if exact_in else max(fair - 1, 0)
        deadline = self.real.deadline() - int(r.random() < 0.02)
        self.swap(verb, self.who(r), path, amount, limit, deadline)

    def _reserve(self, token: int, other: int) -> int:
        pair = (min(token, other), max(token, other))
        if pair not in self.real.pairs:
            return 1
        return int(self.real.pairs[pair].view("getReserves")[int(token > other)])

    def swap(
        self, verb: str, who: str, path: list[int], amount: int, limit: int, deadline: int | None = None
    ) -> Result:
        """Swap along a path through the router."""
        exact_in = verb == "swap_exact_in"
        deadline = self.real.deadline() if deadline is None else deadline
        function = "swapExactTokensForTokens" if exact_in else "swapTokensForExactTokens"
        addresses = [self.real.tokens[i].address for i in path]
        action = Action(
            verb,
            {"path": ">".join(self.ids[i] for i in path), "amount_in" if exact_in else "amount_out": amount},
            {"amount_out_min" if exact_in else "amount_in_max": limit, "deadline": deadline},
        )
        got, made = self.do(
            lambda: self.real.router.send(who, function, amount, limit, addresses, who, deadline), who, action
        )
        assert_same({"amount_in": got[0], "amount_out": got[-1]}, made.amounts)
        return made

    def _send(self, r: random.Random) -> None:
        """Tokens or shares to a pair: what core verbs then find there."""
        pair, who = r.choice(PAIRS), self.who(r)
        place = r.randrange(3)
        if place == 2:
            contract, token = self.real.pairs[pair], self.lps[pair]
            amount = contract.view("balanceOf", who) >> r.randrange(2, 30)
        else:
            contract, token = self.real.tokens[pair[place]], self.ids[pair[place]]
            amount = self._part(r, 1 << r.randrange(1, 100))
        self.send(pair, who, contract, token, amount)

    def send(self, pair: tuple[int, int], who: str, contract: Any, token: str, amount: int) -> None:
        """Transfer to a pair; the word's reason depends on the token, so shares are never overdrawn here."""
        to = self.accounts[pair]
        action = Action("send", {"pair": to, "token": token, "amount": amount})
        self.do(lambda: contract.send(who, "transfer", to, amount), who, action)

    def _pair_mint(self, r: random.Random) -> None:
        self._pass_time(r)
        pair, who = r.choice(PAIRS), self.who(r)
        if r.random() < 0.85:
            for place in (0, 1):
                held = self.real.pairs[pair].view("getReserves")[place]
                whole = (self.whole[pair[place]] << r.randrange(1, 20)) // 1000
                unit = held // max(self.real.pairs[pair].view("totalSupply"), 1) + 1  # what one share takes
                some = max(held >> r.randrange(1, 30), unit if r.random() < 0.8 else 0) + r.randrange(0, 2)
                amount = some if held else whole
                self.send(pair, who, self.real.tokens[pair[place]], self.ids[pair[place]], amount)
        self.mint(pair, who)

    def mint(self, pair: tuple[int, int], who: str) -> None:
        """Mint at the pair itself."""
        action = Action("pair_mint", {"pair": self.accounts[pair]})
        got, made = self.do(lambda: self.real.pairs[pair].send(who, "mint", who), who, action)
        assert_same({"liquidity": got}, made.amounts)

    def _pair_burn(self, r: random.Random) -> None:
        self._pass_time(r)
        pair = r.choice(PAIRS)
        lp = self.real.pairs[pair]
        who = max(self.real.actors.values(), key=lambda a: lp.view("balanceOf", a))
        if r.random() < 0.85:
            self.send(pair, who, lp, self.lps[pair], lp.view("balanceOf", who) >> r.randrange(1, 20))
        self.burn(pair, who)

    def burn(self, pair: tuple[int, int], who: str) -> None:
        """Burn at the pair itself."""
        action = Action("pair_burn", {"pair": self.accounts[pair]})
        got, made = self.do(lambda: self.real.pairs[pair].send(who, "burn", who), who, action)
        assert_same({"amount0": got[0], "amount1": got[1]}, made.amounts)

    def _pair_swap(self, r: random.Random) -> None:
        """Pay first, then take about what the product allows, of one token or of both."""
        self._pass_time(r)
        pair, who = r.choice(PAIRS), self.who(r)
        reserves = self.real.pairs[pair].view("getReserves")[:2]
        place = r.randrange(2)
        amount = max(reserves[place] >> r.randrange(1, 20), 1)
        if r.random() < 0.95:
            self.send(pair, who, self.real.tokens[pair[place]], self.ids[pair[place]], amount)
        after_fee = amount * 997
        most = after_fee * reserves[1 - place] // (reserves[place] * 1000 + after_fee or 1)
        out = [0, 0]
        out[1 - place] = r.choice((most, most, most, max(most - 1, 0), most + 1, reserves[1 - place]))
        if r.random() < 0.15:
            out = [min(amount // 3, reserves[place] // 2), 0] if place == 0 else [0, min(amount // 3, reserves[1] // 2)]
            out[1 - place] = most // 3
        if r.random() < 0.03:
            out = [0, 0]
        self.pair_swap(pair, who, out)

    def pair_swap(self, pair: tuple[int, int], who: str, out: list[int]) -> None:
        """Swap at the pair itself."""
        args = {"pair": self.accounts[pair], "amount0_out": out[0], "amount1_out": out[1]}
        before = self.real.pairs[pair].view("getReserves")[:2]
        _, made = self.do(
            lambda: self.real.pairs[pair].send(who, "swap", *out, who, b""), who, Action("pair_swap", args)
        )
        after = self.real.pairs[pair].view("getReserves")[:2]
        moved = [after[i] - before[i] + out[i] for i in (0, 1)]
        assert_same({"amount0_in": moved[0], "amount1_in": moved[1]}, made.amounts)

    def _plain(self, r: random.Random, verb: str) -> None:
        self._pass_time(r)
        self.plain(verb, r.choice(PAIRS), self.who(r))

    def plain(self, verb: str, pair: tuple[int, int], who: str) -> None:
        """Skim or sync."""
        before = [token.view("balanceOf", who) for token in self.real.tokens]
        args = (who,) if verb == "skim" else ()
        action = Action(verb, {"pair": self.accounts[pair]})
        _, made = self.do(lambda: self.real.pairs[pair].send(who, verb, *args), who, action)
        got = [token.view("balanceOf", who) - was for token, was in zip(self.real.tokens, before, strict=True)]
        assert_same({"amount0": got[pair[0]], "amount1": got[pair[1]]} if verb == "skim" else {}, made.amounts)

    def _set_fee_to(self, r: random.Random) -> None:
        self.set_fee_to(on=r.random() < 0.7)

    def set_fee_to(self, *, on: bool) -> None:
        """Switch the protocol's share on or off."""
        to = self.real.fee_to if on else "0x" + "00" * 20
        self.real.factory.send(self.real.setter, "setFeeTo", to)
        self.model.do(self.real.setter, Action("set_fee_to", {"to": to if on else ""}))
        # The factory logs nothing; whoever reads logs is told.
        self.log_reader.replay(self.seen, Event("FeeTo", {"to": to}), Ctx(self.evm.block, "", self.model.book))

    # -- comparison ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Every observable of all pairs, and every balance."""
        real: dict[Any, Any] = {}
        model: dict[Any, Any] = {}
        people = {**self.real.actors, "fee_to": self.real.fee_to}
        for pair, contract in self.real.pairs.items():
            at = contract.address
            for name in ("getReserves", "totalSupply", "kLast", "price0CumulativeLast", "price1CumulativeLast"):
                real[pair, name], model[pair, name] = contract.view(name), self.model.read(name, at)
                assert_same(real[pair, name], self.log_reader.read(self.seen, name, at), f"{name} told from the logs")
            ids = {self.real.tokens[i].address: self.ids[i] for i in pair}
            for name in ("token0", "token1"):
                real[pair, name], model[pair, name] = ids[contract.view(name)], self.model.read(name, at)
            for name, who in {**people, "pair": at}.items():
                real[pair, name] = contract.view("balanceOf", who)
                model[pair, name] = self.model.book.held.get((self.lps[pair], who), 0)
        for index, token in enumerate(self.real.tokens):
            for name, who in {**people, **{str(p): a for p, a in self.accounts.items()}}.items():
                real[index, name] = token.view("balanceOf", who)
                model[index, name] = self.model.book.held.get((self.ids[index], who), 0)
        assert_same(real, model)
        assert_same(self.real.factory.view("feeTo").strip("0x"), self.model.read("feeTo").strip("0x"))
        self._compare_quotes()
        self._compare_rate(PAIRS[self.driver.tally.total % 3])

    def _compare_rate(self, pair: tuple[int, int]) -> None:
        """What the ledger is told of a share, against what the pair pays for all that somebody holds."""
        contract, balance = self.real.pairs[pair], lambda token, who: self.model.book.held.get((token, who), 0)
        rates = self.log_reader.rates(self.model.state, "swap", balance)
        assert_same(contract.view("totalSupply") > 0, self.lps[pair] in rates, "a rate wherever there are shares")
        who = max(self.real.actors.values(), key=lambda one: contract.view("balanceOf", one))
        if not (held := contract.view("balanceOf", who)):
            return
        rate, saved = rates[self.lps[pair]], self.evm.snapshot()
        contract.send(who, "transfer", contract.address, held)
        redeemed = contract.view("balanceOf", contract.address)
        refusal, paid = None, [0, 0]
        try:
            paid = list(contract.send(who, "burn", who))
        except Revert as revert:
            refusal = revert.reason
        self.evm.restore(saved)
        if refusal == "UniswapV2: OVERFLOW":
            return  # what stays behind is more than a pair can write down
        told = [rate.of_down(redeemed)[self.ids[i]] for i in pair]
        assert_same(("swap", "pool"), (rate.venue, rate.kind))
        assert_same(refusal, None if all(told) else "UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED", "rate")
        assert_same(paid, told if all(told) else [0, 0], "rate")

    def _compare_quotes(self) -> None:
        for path in ([0, 1], [2, 1], [0, 2, 1]):
            addresses, ids = [self.real.tokens[i].address for i in path], [self.ids[i] for i in path]
            for name, amount in (("getAmountsOut", 1_000_003), ("getAmountsIn", 997)):
                real = _quote(lambda n=name, x=amount, p=addresses: self.real.router.view(n, x, p))
                assert_same(real, _quote(lambda n=name, x=amount, p=ids: self.model.read(n, x, p)), name)


def _quote(ask: Callable[[], Any]) -> Any:
    try:
        return list(ask())
    except Revert as revert:
        return {"overflow": "ds-math-mul-overflow", "underflow": "ds-math-sub-underflow"}.get(
            revert.reason, revert.reason
        )
