"""`tidemill exits`: the ways from one network to another, what each costs and how long it takes, on a terminal or as JSON."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from tidemill.app.console import emit_json, stdout
from tidemill.app.reports import written
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput
from tidemill.units import format_amount, mul_div_up, parse_amount
from tidemill.wording import moment

if TYPE_CHECKING:
    from tidemill.networks.exit_plan import ExitPlan, PlannedStage
    from tidemill.networks.liquidity import FillTimes, Pool
    from tidemill.networks.types import Known
    from tidemill.studies.pages.write import Format

__all__ = ["Wanted", "exits"]

DECIMALS = {
    "USDC": 6, "USDT": 6, "WBTC": 8, "ETH": 18, "WETH": 18, "DAI": 18, "POL": 18, "STRK": 18, "RBTC": 18, "cBTC": 18,
    "LBTC": 8, "STX": 6,
}  # fmt: skip
"""Tokens whose decimals need not be said: every network's own among them."""
GWEI, NATIVE = 9, 18
_MOST = 10**60
"""Raw units above which an amount is a slip of the pen."""
_LATEST = 253_370_764_800
"""Year 9999, seconds since 1970: a later date of a step could not be written."""
_AMOUNT = re.compile(r"(?P<amount>\S+)\s+(?P<symbol>[A-Za-z][A-Za-z0-9.]{0,15})(:(?P<decimals>\d{1,2}))?")
_FILLED = re.compile(r"(?P<share>\d{1,3}(\.\d{1,2})?)%=(?P<seconds>\d{1,9})")


class Wanted(Struct, frozen=True):
    """The command's options as given."""

    source: str
    targets: tuple[str, ...]
    amount: str
    on: str
    gas_price: tuple[str, ...]
    blob_gas_price: str
    bridge_fee_bps: int | None
    price: tuple[str, ...]
    gas: tuple[str, ...] = ()
    bridge_pool: str = ""
    filled: tuple[str, ...] = ()


class Amount(Struct, frozen=True):
    """An amount with its token."""

    raw: int
    symbol: str
    decimals: int

    def text(self, raw: int) -> str:
        """Return raw units as a person reads them."""
        return f"{format_amount(raw, self.decimals)} {self.symbol}"


def exits(wanted: Wanted, out: Path | None, formats: Sequence[Format], *, as_json: bool) -> int:
    """Plan every way and show it; 0 where one is open, 1 where none is."""
    from tidemill.networks.bridges import exit_plans  # noqa: PLC0415
    from tidemill.studies.pages.exits import SCHEMA, Way, exits_page  # noqa: PLC0415

    amount = amount_of(wanted.amount)
    prices = prices_of(wanted.price, amount)
    levels = levels_of(wanted.gas_price, wanted.blob_gas_price)
    if wanted.bridge_fee_bps is not None and not 0 <= wanted.bridge_fee_bps < 10_000:
        raise BadInput(f"{wanted.bridge_fee_bps} is not between 0 and 9999", field="bridge_fee_bps")
    start = _start(wanted.on)
    if len(set(wanted.targets)) < len(wanted.targets):
        raise BadInput(f"{', '.join(wanted.targets)}: the same network twice", field="to")
    pool, fills = pool_of(wanted.bridge_pool, amount), fills_of(wanted.filled)
    if pool is not None and wanted.bridge_fee_bps is not None:
        raise BadInput("give the bridge's own quote (--bridge-fee-bps) or its pool, not both", field="bridge_pool")
    plans = [
        plan
        for target in wanted.targets
        for plan in exit_plans(
            wanted.source,
            target,
            amount.symbol,
            amount.raw,
            start,
            levels,
            wanted.bridge_fee_bps,
            gas_of(wanted.gas),
            pool=pool,
            fills=fills,
        )
    ]
    document = {
        "schema": SCHEMA,
        "amount": amount,
        "start": start,
        "routes": [shown(plan, prices) for plan in plans],
    }
    ways = [Way(one, _cost_text(one, amount, prices), tuple(_cost(one, prices)[1]), _keep(one)) for one in plans]
    sum_ = amount.text(amount.raw)
    written("exits", document, lambda: exits_page(sum_, wanted.source, wanted.targets, start, ways), out, formats)
    if as_json:
        emit_json(document)
    else:
        _show(plans, wanted, amount, prices)
    return 0 if any(not plan.blocked for plan in plans) else 1


def amount_of(text: str) -> Amount:
    """Read ``10000 USDC`` or, where the token is not known here, ``10000 FOO:18``; raises ``BadInput``."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise BadInput(f'{text!r} is no amount of a token; write it like "10000 USDC" or "5 FOO:18"', field="amount")
    symbol, told = match["symbol"], match["decimals"]
    if told is None and symbol not in DECIMALS:
        raise BadInput(f"decimals of {symbol} are not known here; write {symbol}:18 or whatever it has", field="amount")
    decimals = int(told) if told is not None else DECIMALS[symbol]
    if decimals > 36:
        raise BadInput(f"no token has {decimals} decimals", field="amount")
    try:
        raw = parse_amount(match["amount"], decimals)
    except BadInput as error:
        raise BadInput(error.message, field="amount") from None
    if raw <= 0:
        raise BadInput(f"{match['amount']} is nothing to move", field="amount")
    if raw >= _MOST:
        raise BadInput(f"{match['amount']} is absurdly large", field="amount")
    return Amount(raw, symbol, decimals)


def prices_of(texts: Sequence[str], amount: Amount) -> dict[str, int]:
    """Read SYMBOL=PRICE, the price in the token that is moved, as raw units of it for one whole SYMBOL."""
    prices = {amount.symbol: 10**amount.decimals}
    if amount.symbol in ("ETH", "WETH"):
        prices |= {"ETH": 10**18}
    given: set[str] = set()
    for text in texts:
        symbol, sign, price = text.partition("=")
        if not symbol or not sign:
            raise BadInput(f"{text!r} is not SYMBOL=PRICE, e.g. ETH=3000", field="price")
        _once(symbol, given, "price")
        given.add(symbol)
        prices[symbol] = _positive(price, amount.decimals, "price", text)
    return prices


def _once(name: str, given: Collection[str], field: str) -> None:
    if name in given:
        raise BadInput(f"{name} is given twice", field=field)


def gas_of(texts: Sequence[str]) -> dict[str, int]:
    """Read STEP=GAS; raises ``BadInput``."""
    found: dict[str, int] = {}
    for text in texts:
        step, _, units = text.rpartition("=")
        if not step or not units.isdecimal() or not 0 < int(units) < 10**9:
            raise BadInput(f"{text!r} is not STEP=GAS, e.g. prove=350000", field="gas")
        _once(step, found, "gas")
        found[step] = int(units)
    return found


def pool_of(text: str, amount: Amount) -> Pool | None:
    """Read LIQUID/LENT, whole tokens that lie in a bridge's pool and that are out; raises ``BadInput``."""
    from tidemill.networks.liquidity import Pool  # noqa: PLC0415

    if not text:
        return None
    liquid, sign, lent = text.partition("/")
    if not sign:
        raise BadInput(f"{text!r} is not LIQUID/LENT, e.g. 600000/400000", field="bridge_pool")
    raw = [_positive(part, amount.decimals, "bridge_pool", text) if part != "0" else 0 for part in (liquid, lent)]
    if not any(raw):
        raise BadInput(f"{text!r}: an empty pool advances nothing", field="bridge_pool")
    return Pool(*raw)


def fills_of(texts: Sequence[str]) -> FillTimes | None:
    """Read SHARE%=SECONDS, what share of transfers is filled within so long; raises ``BadInput``."""
    from tidemill.networks.liquidity import FillTimes  # noqa: PLC0415

    points = []
    for text in texts:
        match = _FILLED.fullmatch(text)
        if match is None:
            raise BadInput(f"{text!r} is not SHARE%=SECONDS, e.g. 90%=30", field="filled")
        points.append((parse_amount(match["share"], 2), int(match["seconds"])))
    return FillTimes(tuple(points)) if points else None


def levels_of(gas_prices: Sequence[str], blob: str) -> dict[str, Mapping[str, Known]]:
    """Read gas prices in gwei: ``5`` is Ethereum's, ``NETWORK=0.001`` another's; raises ``BadInput``."""
    from tidemill.networks import assumed, names  # noqa: PLC0415
    from tidemill.networks.exit_plan import L1  # noqa: PLC0415

    found: dict[str, int] = {}
    for text in gas_prices:
        name, sign, price = text.rpartition("=")
        name = name if sign else L1
        if name not in names():
            from tidemill.errors import UnknownName  # noqa: PLC0415

            raise UnknownName("network", name, names(), field="gas_price")
        _once(name, found, "gas_price")
        found[name] = _positive(price, GWEI, "gas_price", text)
    common: dict[str, Known] = {}
    if L1 in found:
        common["l1_base_fee"] = assumed(found[L1], "--gas-price")
    if blob:
        common["blob_base_fee"] = assumed(_positive(blob, GWEI, "blob_gas_price", blob), "--blob-gas-price")
    own = {"priority_fee": assumed(0, "within --gas-price")}
    return {
        name: own | {"base_fee": assumed(price, "--gas-price")} | ({} if name == L1 else common)
        for name, price in found.items()
    }


def shown(plan: ExitPlan, prices: Mapping[str, int]) -> dict[str, Any]:
    """Return a plan as JSON shows it: dates as text beside seconds, sums with what they lack."""
    document: dict[str, Any] = msgspec.to_builtins(plan)
    cost, lacks = _cost(plan, prices)
    document |= {
        "first": _date(plan.first),
        "usual": _date(plan.usual),
        "worst": None if plan.worst is None else _date(plan.worst),
        "unbounded": list(plan.unbounded),
        "least": dict(zip(("seconds", "l1_blocks"), plan.least, strict=True)),
        "l1_gas": plan.gas_on(),
        "keep_on_l1_wei": plan.keep,
        "cost": None if lacks else cost,
        "cost_lacks": lacks,
    }
    for stage, there in zip(document["stages"], plan.stages, strict=True):
        stage |= {"first_date": _date(there.first), "usual_date": _date(there.usual)}
        stage["worst_date"] = None if there.worst is None else _date(there.worst)
    if plan.otherwise is not None:
        document["otherwise"] = shown(plan.otherwise, prices)
    return document


def _start(text: str) -> int:
    if text:
        from tidemill.studies.held.asked import moment as parse  # noqa: PLC0415

        start = parse(text, "on")
        if start >= _LATEST:
            raise BadInput(f"{text!r}: expected a day before the year 9999", field="on")
        return start
    from tidemill.engine.clock import wall_seconds  # noqa: PLC0415

    return int(wall_seconds())


def _positive(text: str, decimals: int, field: str, whole: str) -> int:
    try:
        value = parse_amount(text, decimals)
    except BadInput as error:
        raise BadInput(f"{whole!r}: {error.message}", field=field) from None
    if not 0 < value < 10**40:
        raise BadInput(f"{whole!r} is no price", field=field)
    return value


def _cost(plan: ExitPlan, prices: Mapping[str, int]) -> tuple[int, list[str]]:
    """Return what is known of a way's cost in raw units of the token that is moved, rounded up, and what it lacks."""
    total, lacks = plan.fee or 0, [] if plan.fee is not None else ["the bridge's fee"]
    for stage in plan.stages:
        if stage.by != "you":
            continue
        if stage.fee is None:
            lacks.append(f"gas of {stage.verb} ({stage.unpriced})")
        elif stage.native not in prices:
            lacks.append(f"a price of {stage.native} (--price {stage.native}=…)")
        else:
            total += mul_div_up(stage.fee, prices[stage.native], 10**NATIVE)
    return total, list(dict.fromkeys(lacks))


def _cost_text(plan: ExitPlan, amount: Amount, prices: Mapping[str, int]) -> str:
    total, lacks = _cost(plan, prices)
    return amount.text(total) if not lacks else f"over {amount.text(total)}" if total else "unknown"


def _date(time: int) -> str:
    return moment(time)


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        hours, minutes = divmod(seconds // 60, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{dt.timedelta(seconds=seconds) / dt.timedelta(days=1):.1f} d"


def _show(plans: Sequence[ExitPlan], wanted: Wanted, amount: Amount, prices: Mapping[str, int]) -> None:
    say = stdout().print
    several = len(wanted.targets) > 1
    head = f"{amount.text(amount.raw)} from {wanted.source} to {' or '.join(wanted.targets)}"
    if not plans:
        say(f"{head}: no way is described")
        return
    rows = [
        [
            *([plan.target] if several else []),
            plain(plan.id),
            plan.kind,
            "blocked" if plan.blocked else _span(plan.first - plan.start),
            "" if plan.blocked else _span(plan.usual - plan.start),
            "" if plan.blocked else _worst(plan),
            "" if plan.blocked else _cost_text(plan, amount, prices),
            "" if plan.blocked else plain(_keep(plan)),
        ]
        for plan in plans
    ]
    columns = ["way", "kind", "at least>", "usually>", "at worst>", "cost", "keep on Ethereum"]
    say(table(f"{head}, begun {_date(plans[0].start)} UTC", [*(["to"] if several else []), *columns], rows))
    if all(plan.kind == "liquidity" for plan in plans):
        say("no way of the networks' own is described here between these two")
    for plan in plans:
        say("")
        _show_plan(plan, say, prices)


def _worst(plan: ExitPlan) -> str:
    return "no bound" if plan.worst is None else _span(plan.worst - plan.start)


def _keep(plan: ExitPlan) -> str:
    gas, wei = plan.known_on()
    if plan.gas_on() == 0:
        return "nothing"
    units = f"{gas:,} gas" if plan.gas_on() is not None else f"over {gas:,} gas" if gas else "unknown gas"
    if not wei:
        return units
    return f"{'' if plan.keep is not None else 'over '}{format_amount(wei, NATIVE)} ETH ({units})"


def _show_plan(plan: ExitPlan, say: Any, prices: Mapping[str, int]) -> None:
    say(f"[bold]{plain(plan.id)}[/bold] ({plan.source} → {plan.target})")
    if plan.blocked:
        say(f"blocked: {plain(plan.blocked)}")
    seconds, blocks = plan.least
    least = [_span(seconds)] * bool(seconds) + [f"{blocks:,} L1 blocks"] * bool(blocks)
    say(f"no luck makes it shorter than: {' + '.join(least) or 'nothing'}")
    if lacks := _cost(plan, prices)[1]:
        say(f"cost lacks: {plain('; '.join(lacks))}")
    if plan.fee_note:
        say(f"fee of the bridge: {plain(plan.fee_note)}")
    if plan.fills:
        say(f"filled: {_fills(plan)}")
    rows = [[stage.verb, stage.network, stage.by, _wait(stage), *_dates(stage), _gas(stage)] for stage in plan.stages]
    say(table("", ["step", "on", "who", "waits", "first", "usually", "at worst", "gas"], rows))
    for stage in plan.stages:
        if stage.about:
            say(f"{stage.verb}: {plain(stage.about)}")
    for warning in plan.warnings:
        say(f"warning: {plain(warning)}")
    if plan.otherwise is not None:
        say("if it fails:")
        _show_plan(plan.otherwise, say, prices)


def _fills(plan: ExitPlan) -> str:
    """Say how soon transfers are filled, how many are not, and the mean."""
    soon = [f"{_percent(share)} within {_span(seconds)}" for share, seconds in plan.fills]
    fails = f"at most {_percent(plan.fails_bps)} not by the deadline" if plan.fails_bps else "all by the deadline"
    return f"{', '.join(soon)}; {fails}; in the mean at most {_span(plan.mean_s or 0)} until it is yours again, there or back"


def _percent(bps: int | None) -> str:
    return f"{format_amount(bps or 0, 2)} %"


def _wait(stage: PlannedStage) -> str:
    wait = stage.wait
    parts = [wait.least, wait.usual] if wait.least != wait.usual else [wait.least]
    parts += [wait.most] if wait.most is not None and wait.most != parts[-1] else []
    if wait.unit == "L1 blocks":
        return f"{' / '.join(f'{part:,}' for part in parts)} L1 blocks"
    return " / ".join(_span(part) for part in parts)


def _dates(stage: PlannedStage) -> list[str]:
    return [_date(stage.first), _date(stage.usual), "no bound" if stage.worst is None else _date(stage.worst)]


def _gas(stage: PlannedStage) -> str:
    if stage.by != "you":
        return "not yours"
    units = "unknown" if stage.gas is None else f"{stage.gas:,}"
    if stage.fee is None:
        return units
    short = mul_div_up(stage.fee, 1, 10 ** (NATIVE - GWEI))
    return f"{units} = {format_amount(short, GWEI)} {stage.native}"
