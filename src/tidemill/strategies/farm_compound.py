"""Farm and compound: stake a classic pool's share, and put back what it earns whenever that is worth the transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct, structs

from tidemill.errors import BadInput
from tidemill.interfaces import All, Arg, At, Claimable, Decision, Intent, News, Plan, Position, Revert, View, Wake
from tidemill.strategies import pairs
from tidemill.strategies.compound import best_harvest
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, leave, now_of, sell, works
from tidemill.strategies.parameters import Bps, ExitHow, K, Token, Venue

__all__ = ["FarmCompound"]

DAY = 86_400


class FarmCompound(Struct, frozen=True, forbid_unknown_fields=True):
    """Stake a pool's share at a farm; harvest, sell the reward, add the proceeds and stake them too.

    One rule enters and compounds: what lies idle and what can be harvested, sold at today's quote, is put to work when
    it is worth ``k`` times what doing so costs, or as much as pays best where no ``k`` is given (``best_harvest``).

    Parameters
    ----------
    venue, share : the pair whose liquidity earns, one of its tokens ``home``; and its share.
    farm, reward : where shares are staked, and the token paid there.
    market : the pair that trades ``reward`` for ``home``.
    gas_token : token of the pool that the native token trades at one to one (``WETH@op``).
    """

    venue: Venue
    farm: Venue
    market: Venue
    share: Token
    reward: Token
    home: Token
    gas_token: Token
    k: K | None = None
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Put to work what is worth it, otherwise wait for more."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return self._leave(view, memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        if view.why == "start":
            self._check(view)
        enough, sale = self._enough(view), self._sale(view)
        if self._idle(view) + _brings(view, sale) >= enough and (steps := self._work(view, sale)):
            return Decision((Plan(steps),), memo=memo)
        return Decision(wake=self._wake(view, enough), memo=memo)

    def _check(self, view: View) -> None:
        """Refuse venues that do not belong together."""
        traded = {view.read(self.market, name) for name in ("token0", "token1")}
        if traded != {self.reward, self.home}:
            raise BadInput(f"{self.market} trades {' and '.join(sorted(traded))}, not {self.reward}", field="market")
        try:
            made = view.quote(Intent(self.venue, "add_liquidity", self._part(view))).transfers
        except Revert:
            return  # nobody is in the pool yet
        if self.share not in {moved.token for moved in made}:
            raise BadInput(f"{self.share} is not the share of {self.venue}", field="share")

    def _part(self, view: View) -> dict[str, Arg]:
        """Return a thousandth of the pool, to ask about."""
        reserves = view.read(self.venue, "getReserves")
        return {f"amount{place}_desired": reserves[place] // 1_000 for place in (0, 1)}

    def _enough(self, view: View) -> int:
        """Return what there must be, in home, to be worth putting to work."""
        staked, cost = self._staked(view), self._cost(view)
        capital = self._in_home(view, self.share, staked.principal[self.share]) if staked else 0
        return max(cost * self.k if self.k is not None else best_harvest(cost, capital), cost, 1)

    def _work(self, view: View, sale: Intent | None) -> tuple[Intent, ...]:
        """Return what there is to do of: claim, sell the reward, match the pool's ratio, add, stake."""
        steps: list[Intent] = [Intent(self.farm, "claim")] if self._owed(view) else []
        if sale:
            steps.append(structs.replace(sale, args={**sale.args, "amount_in": All(self.reward)}))
        added = pairs.add(view, self.venue, self.slippage_bps, {self.home: _brings(view, sale)})
        if not added and not view.balances.get(self.share, 0):
            return ()
        return (*steps, *added, Intent(self.farm, "stake", {"amount": All(self.share)}))

    def _leave(self, view: View, memo: LpMemo) -> Decision[LpMemo]:
        """Unstake, sell the reward, give back the share, sell the other token: one after the other."""
        if self.exit == "mark" or memo.failures > PATIENCE:
            return Decision(memo=memo)
        if staked := self._staked(view):
            step: Intent | None = Intent(self.farm, "exit")
            if not works(view, Intent(self.farm, "exit")):  # a farm that cannot pay still gives the stake back
                step = Intent(self.farm, "withdraw", {"amount": staked.principal[self.share]})
        else:
            held = view.balances.get(self.share, 0)
            step = self._sale(view) or (pairs.remove(view, self.venue, self.share, self.slippage_bps) if held else None)
        if step:
            return Decision((Plan((step,)),), memo=memo)
        return leave(view, self.venue, self.home, self.slippage_bps, memo)

    def _staked(self, view: View) -> Position | None:
        return next((p for p in view.positions if p.venue == self.farm and p.principal.get(self.share)), None)

    def _owed(self, view: View) -> int:
        """Return the reward that the farm owes and can pay."""
        staked = self._staked(view)
        owed = staked.claimable.get(self.reward, 0) if staked else 0
        return owed if owed and works(view, Intent(self.farm, "claim")) else 0

    def _sale(self, view: View) -> Intent | None:
        """Return the sale of the reward, that at the farm included; ``None`` if it would bring nothing."""
        amount = view.balances.get(self.reward, 0) + self._owed(view)
        return sell(view, self.market, self.reward, amount, self.slippage_bps) if amount else None

    def _idle(self, view: View) -> int:
        """Return what the wallet holds for the pool, in home."""
        tokens = view.read(self.venue, "token0"), view.read(self.venue, "token1"), self.share
        return sum(self._in_home(view, token, view.balances.get(token, 0)) for token in tokens)

    def _in_home(self, view: View, token: str, amount: int) -> int:
        """Return an amount of the pool's tokens or of its share in home, at the price of the reserves, rounded down."""
        tokens = view.read(self.venue, "token0"), view.read(self.venue, "token1")
        of = dict(zip(tokens, view.read(self.venue, "getReserves"), strict=False))
        of[self.share] = view.read(self.venue, "totalSupply")
        if token not in of or self.home not in tokens:
            raise BadInput(
                f"{self.venue} trades {' and '.join(tokens)}, neither {token} nor {self.home}", field="gas_token"
            )
        worth = of[self.home] * (2 if token == self.share else 1)  # a share stands for both tokens
        return amount * worth // of[token] if of[token] else 0

    def _cost(self, view: View) -> int:
        """Return what the five steps cost together now, in home, each of a thousandth of what its pool has."""
        part = self._part(view)
        steps: tuple[tuple[str, str, dict[str, Arg]], ...] = (
            (self.farm, "claim", {}),
            (self.market, "swap_exact_in", {"token_in": self.reward, "amount_in": self._some_reward(view)}),
            (
                self.venue,
                "swap_exact_in",
                {"token_in": view.read(self.venue, "token0"), "amount_in": part["amount0_desired"]},
            ),
            (self.venue, "add_liquidity", part),
            (self.farm, "stake", {"amount": view.read(self.venue, "totalSupply") // 1_000}),
        )
        return self._in_home(view, self.gas_token, sum(view.fee(Intent(*step)).total for step in steps))

    def _some_reward(self, view: View) -> int:
        place = 0 if view.read(self.market, "token0") == self.reward else 1
        return int(view.read(self.market, "getReserves")[place]) // 1_000

    def _wake(self, view: View, enough: int) -> Wake:
        """Wake when the farm owes what the market would pay the missing amount for, at today's price."""
        staked, missing = self._staked(view), enough - self._idle(view)
        if staked is None or missing <= 0:
            return ()
        if staked.claimable.get(self.reward) and not self._owed(view):
            return (At(now_of(view) + DAY),)  # somebody may fill it
        try:
            needed = view.read(self.market, "getAmountsIn", missing, (self.reward, self.home))[0]
        except Revert:
            return ()  # more than the market has
        return (Claimable(self.farm, staked.id, self.reward, needed - view.balances.get(self.reward, 0)),)


def _brings(view: View, sale: Intent | None) -> int:
    """Return what a sale would bring now, fee and price impact included."""
    return view.quote(sale).amounts["amount_out"] if sale else 0
