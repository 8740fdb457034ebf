"""From a route, an amount and a moment to a dated plan: what is done when, by whom, and what gas must be kept for it.

A plan takes the earliest, the usual and the worst wait of every stage, one after the other, and assumes that you act the
moment you can. Waits in blocks of Ethereum stay in blocks beside their dates. What is unknown stays ``None``: a stage
that nothing bounds has no worst date, gas that nobody measured has no price, and sums then say what they lack.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.errors import BadInput, UnknownName
from tidemill.networks.catalogue import get, names
from tidemill.networks.exits import Route, RouteStage, Wait
from tidemill.networks.types import FeeEnv, Known, TxShape

__all__ = ["L1", "ExitPlan", "Levels", "PlannedStage", "chained", "plan_route", "shape_of_call"]

L1 = "ethereum"
"""The network on which exits end and where the gas of their later stages is paid."""

Levels = Mapping[str, Mapping[str, Known]]
"""Fee levels by network and by name of ``FeeEnv``; a network that is not there leaves its stages unpriced."""


def shape_of_call(gas: int) -> TxShape:
    """Return a transaction of ``gas`` whose bytes are those of an ERC-20 withdrawal at OP's standard bridge.

    275 signed bytes (type 2, four arguments), measured on one such transaction; other bridges' calls are of that size.
    Brotli at quality 1. On Ethereum the bytes do not matter.
    """
    return TxShape(gas, fastlz_length=165, zero_bytes=155, nonzero_bytes=120, brotli_length=234)


class PlannedStage(Struct, frozen=True):
    """A stage with its dates, in unix seconds.

    ``first``: no luck comes earlier. ``usual``: to be expected. ``worst``: nothing comes later, ``None`` where nothing
    bounds it. ``fee`` is in wei of ``native`` and yours to pay, ``None`` where gas or prices are unknown: ``unpriced``
    says why. 0 where another pays.
    """

    verb: str
    network: str
    by: str
    wait: Wait
    first: int
    usual: int
    worst: int | None
    gas: int | None
    fee: int | None
    native: str
    unpriced: str = ""
    about: str = ""


class ExitPlan(Struct, frozen=True):
    """A route planned from ``start`` (unix seconds) for ``amount`` raw units of ``token``.

    ``fee`` is what the bridge takes from the amount, raw units, ``None`` where nobody has told. ``warnings`` are what a
    user must know before; ``blocked`` why it cannot be taken. ``otherwise`` is what happens where it fails: to at most
    ``fails_bps`` of transfers, where somebody has told how soon they are filled (``fills``: share in basis points within so
    many seconds); ``mean_s`` is the mean until the money is yours again, there or back, at most.
    """

    id: str
    source: str
    target: str
    kind: str
    token: str
    amount: int
    start: int
    stages: tuple[PlannedStage, ...]
    fee: int | None = 0
    fee_note: str = ""
    blocked: str = ""
    warnings: tuple[str, ...] = ()
    otherwise: ExitPlan | None = None
    fills: tuple[tuple[int, int], ...] = ()
    fails_bps: int | None = None
    mean_s: int | None = None

    @property
    def first(self) -> int:
        """The earliest moment at which the money can be there."""
        return self.stages[-1].first if self.stages else self.start

    @property
    def usual(self) -> int:
        """When it is usually there."""
        return self.stages[-1].usual if self.stages else self.start

    @property
    def worst(self) -> int | None:
        """The latest moment, ``None`` where a stage has no bound."""
        return self.stages[-1].worst if self.stages else self.start

    @property
    def unbounded(self) -> tuple[str, ...]:
        """Stages that nothing bounds: who acts there may take any time."""
        return tuple(stage.verb for stage in self.stages if stage.wait.most is None)

    @property
    def least(self) -> tuple[int, int]:
        """The hard minimum of all waits: seconds, and blocks of Ethereum beside them."""
        waits = [stage.wait for stage in self.stages]
        return (
            sum(wait.least for wait in waits if wait.unit == "s"),
            sum(wait.least for wait in waits if wait.unit == "L1 blocks"),
        )

    def gas_on(self, network: str = L1) -> int | None:
        """Return the gas that you use there, ``None`` where a stage's is unknown."""
        used = [stage.gas for stage in self._yours(network)]
        return None if None in used else sum(gas for gas in used if gas is not None)

    def fees_on(self, network: str = L1) -> int | None:
        """Return what you pay there in wei of its native token, ``None`` where a stage is unpriced."""
        paid = [stage.fee for stage in self._yours(network)]
        return None if None in paid else sum(fee for fee in paid if fee is not None)

    def known_on(self, network: str = L1) -> tuple[int, int]:
        """Return what is known of gas and fees there: the least that the whole can come to."""
        yours = self._yours(network)
        return sum(stage.gas or 0 for stage in yours), sum(stage.fee or 0 for stage in yours)

    @property
    def keep(self) -> int | None:
        """Wei to keep on Ethereum for the stages there, at the levels planned with."""
        return self.fees_on(L1)

    @property
    def networks(self) -> tuple[str, ...]:
        """Networks on which you pay, in order."""
        return tuple(dict.fromkeys(stage.network for stage in self.stages if stage.by == "you"))

    def _yours(self, network: str) -> list[PlannedStage]:
        return [stage for stage in self.stages if stage.by == "you" and stage.network == network]


def plan_route(
    route: Route, token: str, amount: int, start: int, levels: Levels, *, fee: int | None = 0, fee_note: str = ""
) -> ExitPlan:
    """Plan ``route`` from ``start``.

    Parameters
    ----------
    amount : raw units of ``token``, above 0. start : unix seconds. levels : fee levels by network.
    fee : what the bridge takes of the amount, raw units, ``None`` for unknown; ``fee_note`` says where that comes from.

    Raises
    ------
    BadInput : the amount is not above 0, or the fee exceeds it.
    """
    if amount <= 0:
        raise BadInput(f"{amount} is no amount to move; give more than 0", field="amount")
    if fee is not None and not 0 <= fee < amount:
        raise BadInput(f"a fee of {fee} raw units leaves nothing of {amount}", field="bridge_fee_bps")
    stages: list[PlannedStage] = []
    first = usual = start
    worst: int | None = start
    for stage in route.stages:
        least, common, most = stage.wait.seconds
        first, usual = first + least, usual + common
        worst = None if worst is None or most is None else worst + most
        stages.append(_planned(stage, first, usual, worst, levels))
    return ExitPlan(
        id=route.id,
        source=route.source,
        target=route.target,
        kind=route.kind,
        token=token,
        amount=amount,
        start=start,
        stages=tuple(stages),
        fee=fee,
        fee_note=fee_note,
        blocked=route.blocked,
        warnings=route.warnings,
    )


def chained(out: Route, into: Route) -> Route:
    """Return the route that takes ``out`` and then ``into``; raises ``BadInput`` where they do not meet."""
    if out.target != into.source:
        raise BadInput(f"{out.id} ends on {out.target} and {into.id} begins on {into.source}", field="route")
    return Route(
        id=f"{out.id} + {into.id}",
        source=out.source,
        target=into.target,
        kind="forced" if "forced" in (out.kind, into.kind) else out.kind,
        stages=out.stages + into.stages,
        blocked="; ".join(reason for reason in (out.blocked, into.blocked) if reason),
        warnings=tuple(dict.fromkeys(out.warnings + into.warnings)),
    )


def _planned(stage: RouteStage, first: int, usual: int, worst: int | None, levels: Levels) -> PlannedStage:
    fee, why, native = (0, "", "") if stage.by != "you" else _fee(stage, usual, levels)
    return PlannedStage(
        stage.verb, stage.network, stage.by, stage.wait, first, usual, worst, stage.gas, fee, native, why, stage.about
    )


def _fee(stage: RouteStage, time: int, levels: Levels) -> tuple[int | None, str, str]:
    """Return the fee of a stage of your own, why there is none, and the symbol that it is in."""
    if stage.network not in names():
        return None, f"{stage.network} is not a network whose fees are known here", ""
    network = get(stage.network)
    if stage.gas is None:
        return None, "nobody has measured its gas", network.native_token
    given = levels.get(stage.network)
    if given is None:
        return None, f"no gas price of {stage.network} given", network.native_token
    try:
        parts = network.fee(shape_of_call(stage.gas), FeeEnv.of(time, given))
    except UnknownName:
        raise
    except BadInput as refusal:
        return None, refusal.message, network.native_token
    return parts.total, "", network.native_token
