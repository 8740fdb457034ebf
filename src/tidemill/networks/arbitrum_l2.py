"""What Arbitrum charges per gas: prices that rise with a backlog, as pure integer functions; every division rounds down.

A block pays off backlog for the seconds passed, is priced, and then adds the gas of its transactions. Three models
followed each other: one backlog over a speed limit (until ArbOS 40); several constraints whose exponents add up (since
ArbOS 50/51); and a price per resource, the dearest of which the block shows (since ArbOS 60/61). Sources: Arbitrum's
documentation of gas and fees; vectors in ``tests/networks``. Sums that no chain reaches saturate as in the node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tidemill.errors import BadInput, UnknownName

__all__ = [
    "EXPONENT_CAP_BIPS",
    "RESOURCES",
    "Constraint",
    "Legacy",
    "approx_exp_bips",
    "base_fee_down",
    "checked",
    "constraints_of_legacy",
    "grow",
    "legacy_update",
    "multi_exponents_bips",
    "multi_gas_price",
    "multi_gas_refund",
    "multi_grow",
    "multi_of_single",
    "multi_update",
    "shrink",
    "single_exponent_bips",
    "single_update",
]

_BIPS = 10_000
_TERMS = 4
_U64 = 2**64 - 1
_I64 = 2**63 - 1

EXPONENT_CAP_BIPS = 85_000
"""No owner may install constraints whose backlogs already stand above this; what grows later is not cut."""

RESOURCES = (
    "computation",
    "history_growth",
    "storage_access_read",
    "storage_access_write",
    "storage_growth",
    "l1_calldata",
    "l2_calldata",
    "wasm_computation",
)
"""What ArbOS 60 counts apart. ``l1_calldata`` never has a price of its own."""


def approx_exp_bips(exponent: int) -> int:
    """Return e to the power of ``exponent`` basis points, in basis points, by a sum of four terms.

    The node takes this sum for the power, so it is the rule and no approximation of it: at 85,000 it gives 365 times.

    >>> approx_exp_bips(10_000)
    27083
    """
    size = abs(exponent)
    result = _BIPS + size // _TERMS
    for term in range(_TERMS - 1, 0, -1):
        result = min(_U64, _BIPS + min(_U64, result * size) // (term * _BIPS))
    return result if exponent >= 0 else _BIPS * _BIPS // result


def base_fee_down(min_base_fee: int, exponent: int) -> int:
    """Return the price of gas at ``exponent`` basis points, never below ``min_base_fee``."""
    return min_base_fee * approx_exp_bips(exponent) // _BIPS if exponent > 0 else min_base_fee


def shrink(backlog: int, seconds: int, target: int) -> int:
    """Return a backlog after ``seconds`` in which ``target`` gas per second was paid off."""
    return max(0, backlog - min(_U64, seconds * target))


def grow(backlog: int, gas: int) -> int:
    """Return a backlog after ``gas`` was used."""
    return min(_U64, backlog + gas)


class Legacy(Struct, frozen=True):
    """One backlog over one speed limit: gas per second, seconds of tolerance, seconds of inertia, wei per gas."""

    speed_limit: int
    min_base_fee: int
    tolerance: int = 10
    inertia: int = 102


def legacy_update(model: Legacy, backlog: int, seconds: int) -> tuple[int, int]:
    """Return the backlog at a block's start, ``seconds`` after the one before, and the block's base fee.

    >>> legacy_update(Legacy(7_000_000, 100_000_000), 500_000_000, 1)
    (493000000, 180760000)
    """
    backlog = shrink(backlog, seconds, model.speed_limit)
    above = backlog - model.tolerance * model.speed_limit
    exponent = min(_I64, above * _BIPS) // (model.inertia * model.speed_limit) if above > 0 else 0
    return backlog, base_fee_down(model.min_base_fee, exponent)


class Constraint(Struct, frozen=True):
    """A target in gas per second, over a window in seconds, with its own backlog; ``weights`` per resource if several.

    With weights the backlog is the weighted sum of what was used of each.
    """

    target: int
    window: int
    backlog: int = 0
    weights: Mapping[str, int] = {}


def constraints_of_legacy(model: Legacy, backlog: int) -> tuple[Constraint, ...]:
    """Return the one constraint that continues the old model: its backlog above tolerance, its inertia as window."""
    above = max(0, backlog - model.tolerance * model.speed_limit)
    return (Constraint(model.speed_limit, model.inertia, above),)


def single_exponent_bips(constraints: Sequence[Constraint]) -> int:
    """Return the sum over constraints of ``backlog / (window * target)``, each rounded down."""
    each = (min(_I64, c.backlog * _BIPS) // (c.window * c.target) for c in constraints)
    return min(_I64, sum(each))


def single_update(
    constraints: Sequence[Constraint], seconds: int, min_base_fee: int
) -> tuple[tuple[Constraint, ...], int]:
    """Return the constraints at a block's start, ``seconds`` after the one before, and the block's base fee."""
    paid = _paid(constraints, seconds)
    return paid, base_fee_down(min_base_fee, single_exponent_bips(paid))


def _paid(constraints: Sequence[Constraint], seconds: int) -> tuple[Constraint, ...]:
    return tuple(replace(c, backlog=shrink(c.backlog, seconds, c.target)) for c in constraints)


# -- several resources -------------------------------------------------------------------------------------------------


def multi_of_single(constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Return the same constraints with every priced resource at weight 1: the price stays what it was."""
    even = {name: 1 for name in RESOURCES if name != "l1_calldata"}
    return tuple(replace(c, weights=even) for c in constraints)


def multi_exponents_bips(constraints: Sequence[Constraint]) -> dict[str, int]:
    """Return each resource's exponent: over constraints ``backlog * weight / (window * target * largest weight)``."""
    found: dict[str, int] = {}
    for c in constraints:
        below = c.window * c.target * max(c.weights.values())
        for name, weight in c.weights.items():
            each = min(_I64, min(_U64, c.backlog * weight) * _BIPS) // below
            found[name] = min(_I64, found.get(name, 0) + each)
    return found


def multi_grow(constraints: Sequence[Constraint], used: Mapping[str, int]) -> tuple[Constraint, ...]:
    """Return the constraints after ``used`` gas per resource: each adds what it weighs."""
    for name in used:
        if name not in RESOURCES:
            raise UnknownName("resource", name, RESOURCES)
    return tuple(
        replace(c, backlog=grow(c.backlog, sum(w * used.get(name, 0) for name, w in c.weights.items())))
        for c in constraints
    )


def multi_update(
    constraints: Sequence[Constraint], seconds: int, min_base_fee: int
) -> tuple[tuple[Constraint, ...], int, dict[str, int]]:
    """Return the constraints at a block's start, the base fee it shows (the dearest) and each resource's price."""
    paid = _paid(constraints, seconds)
    exponents = multi_exponents_bips(paid)
    prices = {name: base_fee_down(min_base_fee, exponents.get(name, 0)) for name in RESOURCES}
    return paid, max(prices.values()), prices


def multi_gas_price(used: Mapping[str, int], base_fee: int, prices: Mapping[str, int]) -> int:
    """Return what ``used`` gas costs at each resource's own price; the base fee where a resource has none."""
    return sum(
        gas * (base_fee if name == "l1_calldata" else prices.get(name) or base_fee) for name, gas in used.items()
    )


def multi_gas_refund(used: Mapping[str, int], base_fee: int, prices: Mapping[str, int]) -> int:
    """Return the wei given back at the end: all gas was charged at the dearest resource's price."""
    return max(0, base_fee * sum(used.values()) - multi_gas_price(used, base_fee, prices))


def checked(constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Return constraints as an owner may install them.

    Raises
    ------
    BadInput : a target, window or weight is not positive, or an exponent stands above ``EXPONENT_CAP_BIPS``.
    UnknownName : a weight of no resource.
    """
    for place, c in enumerate(constraints):
        if c.target <= 0 or c.window <= 0 or c.backlog < 0 or any(weight <= 0 for weight in c.weights.values()):
            raise BadInput("target, window and weights must be positive, the backlog not negative", field=f"[{place}]")
        for name in c.weights:
            if name not in RESOURCES:
                raise UnknownName("resource", name, RESOURCES, field=f"[{place}]")
    weighted = [c for c in constraints if c.weights]
    exponents = multi_exponents_bips(weighted) | {
        "all": single_exponent_bips([c for c in constraints if not c.weights])
    }
    for name, exponent in exponents.items():
        if exponent > EXPONENT_CAP_BIPS:
            raise BadInput(f"the exponent of {name} is {exponent}, above {EXPONENT_CAP_BIPS}")
    return tuple(constraints)
