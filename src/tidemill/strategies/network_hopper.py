"""A network hopper: lend where it pays best, on whichever network, and move only when that beats bridge, delay and doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field, structs

from tidemill.errors import BadInput
from tidemill.interfaces import REFUNDED, All, At, Decision, Happened, Intent, News, Plan, View
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, works
from tidemill.strategies.parameters import Amount, ExitHow, Seconds, Token, Venue
from tidemill.strategies.places import Place
from tidemill.units import div_up, mul_div_down

__all__ = ["Bridge", "HopperMemo", "NetworkHopper"]

BPS, WAD = 10_000, 10**18
YEAR = 365 * 86_400


class Bridge(Struct, frozen=True, forbid_unknown_fields=True):
    """One way from one network to another: ``verb`` of ``venue`` sends ``token``, and ``asset`` arrives.

    ``seconds`` is how long it is thought to be under way, ``fee`` what its later steps are thought to cost, raw units of
    the token: the world takes what they really take. ``most`` is sent at once where a bridge has a limit, the rest behind
    it, each piece when the one before is on its way; 0 for no limit.
    """

    venue: Venue
    token: Token
    asset: Token
    verb: str = "send"
    seconds: Seconds = 0
    fee: Annotated[int, Meta(ge=0, description="raw units of the token")] = 0
    most: Annotated[int, Meta(ge=0, description="raw units sent at once, 0 for no limit")] = 0

    def pieces(self, amount: int) -> int:
        """Return in how many sends ``amount`` goes over."""
        return div_up(amount, self.most) if self.most else 1


class HopperMemo(Struct, frozen=True):
    """What each place was worth at the last look and when (raw units, seconds); its rate since (wads a year); where the
    money is headed; how many looks in a row have said so.
    """

    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    rates: dict[str, int] = field(default_factory=dict)
    looked: int = -1
    headed: str = ""
    wish: str = ""
    looks: int = 0
    lately: LpMemo = field(default_factory=LpMemo)


class NetworkHopper(Struct, frozen=True, forbid_unknown_fields=True):
    """Lend at the best of ``places``, markets or vaults on several networks, moving over ``bridges``.

    What a place pays is what one's own money there has grown by since the last look: after its fees, at one's own size.
    So ``keep`` stays at every place, brought there at the start, to see with. Money moves where ``horizon`` seconds of the
    difference, less what the way takes in time, beat all costs ``1 + margin`` times, at ``patience`` looks in a row. What a
    bridge gives back is lent again where it was, until the next move.

    Parameters
    ----------
    places, bridges : tables of venue, asset (and share); of venue, token, asset, verb, seconds, fee, most.
    native_price : raw units of the asset that 10**18 wei are worth, to compare costs. keep : raw units left at every place.
    """

    places: Annotated[tuple[Place, ...], Meta(min_length=2, max_length=16, description="tables of venue, asset, share")]
    native_price: Amount
    bridges: Annotated[
        tuple[Bridge, ...], Meta(max_length=16, description="tables: venue, token, asset, verb, seconds, fee, most")
    ] = ()
    keep: Amount = 100_000_000
    every: Annotated[int, Meta(ge=60, le=31_536_000, description="seconds between looks")] = 86_400
    horizon: Seconds = 90 * 86_400
    margin_bps: Annotated[int, Meta(ge=0, le=1_000_000, description="by which the gain must beat the cost")] = 5_000
    patience: Annotated[int, Meta(ge=1, le=1_000, description="looks in a row")] = 3
    exit: ExitHow = "close"

    Memo: ClassVar[type[HopperMemo]] = HopperMemo

    def __post_init__(self) -> None:
        names = [place.venue for place in self.places]
        if len({*names}) < len(names):
            raise BadInput("a place is named twice", field="places")
        for place in self.places[1:]:
            for start, end in ((self.places[0], place), (place, self.places[0])):
                if self.route(start.asset, end.asset) is None:
                    raise BadInput(f"no bridge leads from {start.asset} to {end.asset}", field="bridges")

    def route(self, token: str, asset: str) -> tuple[Bridge, ...] | None:
        """Return the bridges from ``token`` to ``asset``, as few as can be; ``None`` where there is no way."""
        ways: dict[str, tuple[Bridge, ...]] = {token: ()}
        front = [token]
        while front and asset not in ways:
            here = front.pop(0)
            for bridge in self.bridges:
                if bridge.token == here and bridge.asset not in ways:
                    ways[bridge.asset] = (*ways[here], bridge)
                    front.append(bridge.asset)
        return ways.get(asset)

    def decide(self, view: View, memo: HopperMemo, news: Sequence[News]) -> Decision[HopperMemo]:
        """Send on what has arrived, put to work what is there, and look whether to move."""
        now = now_of(view)
        memo = structs.replace(memo, lately=learn(memo.lately, news, now))
        if any(isinstance(one, Happened) and one.cause == REFUNDED for one in news):
            memo = structs.replace(memo, headed="")  # nobody paid it over there: lend it here, and look anew
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us; so does what arrives
        if view.why == "end":
            return Decision(self._leave(view) if memo.lately.failures <= PATIENCE else (), memo=memo)
        if now < memo.lately.not_before:
            return Decision(wake=(At(memo.lately.not_before),), memo=memo)
        plans = self._forward(view, memo)
        if plans:
            return Decision(plans, memo=structs.replace(memo, seen={}, looked=now))  # what is put in is no growth
        if now - memo.looked >= self.every or memo.looked < 0:
            worth = {place.venue: place.worth(view) for place in self.places}
            memo = self._look(memo, worth, now)
            plan, memo = self._move(view, memo, worth)
            if plan:
                return Decision((plan,), memo=structs.replace(memo, seen={}, looked=now))
        return Decision(wake=(At(max(memo.looked + self.every, now + 1)),), memo=memo)

    def _look(self, memo: HopperMemo, worth: Mapping[str, int], now: int) -> HopperMemo:
        """Learn what every place paid since the last look."""
        rates = dict(memo.rates)
        for name, (had, then) in memo.seen.items():
            if had and now > then:
                rates[name] = mul_div_down(max(worth[name] - had, 0) * YEAR, WAD, had * (now - then))
        seen = {name: (amount, now) for name, amount in worth.items()}
        return structs.replace(memo, rates=rates, seen=seen, looked=now)

    def _forward(self, view: View, memo: HopperMemo) -> tuple[Plan, ...]:
        """Put to work what lies idle: where it is headed, over the next bridge, or at the best place of its network."""
        plans = []
        for token in dict.fromkeys(place.asset for place in self.places):
            idle = view.balances.get(token, 0)
            if not idle:
                continue
            target = next((place for place in self.places if place.venue == memo.headed), None)
            way = self.route(token, target.asset) if target else None
            if way:
                piece = way[0].most if 0 < way[0].most < idle else All(token)
                send = Intent(way[0].venue, way[0].verb, {"amount": piece})
                plans += [Plan((send,))] if works(view, send) else []
                continue
            here = [place for place in self.places if place.asset == token]
            best = target if target in here else max(here, key=lambda place: memo.rates.get(place.venue, 0))
            if best and works(view, best.put(idle)):
                plans.append(Plan((best.put(All(token)),)))
        return tuple(plans)

    def _move(self, view: View, memo: HopperMemo, worth: Mapping[str, int]) -> tuple[Plan | None, HopperMemo]:
        """Return the plan that starts a move, once it has paid for enough looks in a row."""
        ranked = sorted((p for p in self.places if p.venue in memo.rates), key=lambda p: memo.rates[p.venue])
        for source in ranked[:-1]:
            best, amount = ranked[-1], worth[source.venue] - self.keep
            if amount > self.keep and self._pays(view, source, best, amount, memo.rates):
                wish = f"{source.venue}>{best.venue}"
                looks = memo.looks + 1 if memo.wish == wish else 1
                memo = structs.replace(memo, wish=wish, looks=looks)
                if looks < self.patience:
                    return None, memo
                steps = [source.take(amount), *self._first(source, best, amount)]
                return Plan(tuple(steps)), structs.replace(memo, headed=best.venue, wish="", looks=0)
        return None, structs.replace(memo, wish="", looks=0)

    def _first(self, source: Place, best: Place, amount: int) -> list[Intent]:
        """Return what follows on the same network: the first bridge, or putting it in."""
        way = self.route(source.asset, best.asset) or ()
        if not way:
            return [best.put(amount)]
        return [Intent(way[0].venue, way[0].verb, {"amount": min(amount, way[0].most or amount)})]

    def _pays(self, view: View, source: Place, best: Place, amount: int, rates: Mapping[str, int]) -> bool:
        """Say whether ``amount`` gains more by moving than the way costs in fees and in time, with the margin."""
        way = self.route(source.asset, best.asset) or ()
        steps = [source.take(amount), *self._first(source, best, amount)]
        if way:
            steps.append(best.put(amount))
        if not all(works(view, step) for step in steps):
            return False  # all lent out there, full here, or the bridge is shut
        under_way = sum(bridge.seconds for bridge in way)
        staying = mul_div_down(amount * rates[source.venue], self.horizon, WAD * YEAR)
        going = mul_div_down(amount * rates[best.venue], max(self.horizon - under_way, 0), WAD * YEAR)
        wei = sum(view.fee(step).total for step in steps)
        pieces = way[0].pieces(amount) if way else 1
        if pieces > 1:
            wei += view.fee(steps[1]).total * (pieces - 1)
        kept = sum(bridge.fee for bridge in way) + (_kept(view, steps[1]) * pieces if way else 0)
        cost = wei * self.native_price + kept * WAD
        return (going - staying) * WAD * BPS > cost * (BPS + self.margin_bps)

    def _leave(self, view: View) -> tuple[Plan, ...]:
        """Take everything back from every place that can pay it now; home is home on every network."""
        if self.exit == "mark":
            return ()
        there = [place for place in self.places if place.there(view)]
        return tuple(Plan((place.leave(),)) for place in there if works(view, place.leave()))


def _kept(view: View, send: Intent) -> int:
    """Return what a bridge keeps of one send, by its own quote; 0 where it says nothing."""
    told = view.quote(send).amounts
    return told["amount"] - told["output"] if "output" in told else 0
