"""The waterfall's rows: a table. A family is added by adding lines; the order of the table is the order on paper.

No row is a remainder: each has its own formula over :class:`~tidemill.ledger.measures.Measures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from tidemill.ledger.measures import Measure, Measures

__all__ = ["ROWS", "Row"]


class Row(Struct, frozen=True):
    """One line of the table.

    Parameters
    ----------
    key, label, formula : as printed; ``labels`` replaces the label where one family is alone.
    measure : how it is computed.
    families : those it belongs to; empty for all, positions or none.
    always : printed even where it is nothing at all.
    group : ``income`` and ``proportional`` rows scale with capital, ``fixed`` ones do not, ``price`` rows are the
        market's and no merit of the strategy.
    """

    key: str
    label: str
    formula: str
    measure: Callable[[Measures], Measure]
    group: str
    families: frozenset[str] = frozenset()
    always: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)


_LIQUIDITY, _VAULT, _FARM = frozenset({"liquidity"}), frozenset({"vault"}), frozenset({"farm"})


def _exit(m: Measures) -> Measure:
    swaps = m.flow("swaps:", phase="exit")
    fees = m.flow("network:l2:", "network:l1:", "network:operator:", phase="exit")
    tokens = {t: swaps.tokens.get(t, 0) + fees.tokens.get(t, 0) for t in (*swaps.tokens, *fees.tokens)}
    return Measure(swaps.value + fees.value, tokens)


ROWS: tuple[Row, ...] = (
    Row(
        "fees",
        "Gross fees",
        "Σ fees accrued × price when accrued",
        lambda m: m.flow("income:fees:"),
        "income",
        _LIQUIDITY,
    ),
    Row(
        "growth",
        "Share-price growth",
        "Σ shares × change of (assets per share) × price then",
        lambda m: m.flow("income:growth:"),
        "income",
        _VAULT,
    ),
    Row(
        "rewards",
        "Rewards accrued",
        "Σ rewards accrued × price when accrued",
        lambda m: m.flow("income:rewards:"),
        "income",
        _FARM,
    ),
    Row(
        "fees_move",
        "Price move of the fees",
        "Σ fees so far × price change (as if kept as they came)",
        lambda m: m.income_move("income:fees:"),
        "proportional",
        _LIQUIDITY,
    ),
    Row(
        "growth_move",
        "Price move of the growth",
        "Σ growth so far × price change",
        lambda m: m.income_move("income:growth:"),
        "proportional",
        _VAULT,
        always=False,
    ),
    Row(
        "rewards_move",
        "Price move of the rewards",
        "Σ rewards so far × price change (as if kept as they came)",
        lambda m: m.income_move("income:rewards:"),
        "proportional",
        _FARM,
    ),
    Row(
        "hodl",
        "Price move of what you brought",
        "what you brought × (end price − start price)",
        Measures.holding,
        "price",
    ),
    Row(
        "divergence",
        "Divergence (“impermanent”) loss",
        "Σ (taken out − put in) × price when taken out",
        Measures.divergence,
        "proportional",
        _LIQUIDITY,
    ),
    Row(
        "drift",
        "Price move of what the strategy changed",
        "Σ (holdings outside fees − what you brought) × price change",
        Measures.drift,
        "proportional",
        always=False,
    ),
    Row(
        "swaps",
        "Own swaps: slippage and pool fees",
        "Σ (received − paid) × price just before",
        lambda m: m.flow("swaps:", phase="run"),
        "proportional",
        labels={"farm": "Selling rewards: slippage and pool fees", "vault": "Own swaps: slippage and pool fees"},
    ),
    Row(
        "l2",
        "Network fee: L2 execution",
        "− Σ gas × gas price × price of the gas token then",
        lambda m: m.flow("network:l2:", phase="run"),
        "fixed",
    ),
    Row(
        "l1",
        "Network fee: L1 data",
        "− Σ data fee × price of the gas token then",
        lambda m: m.flow("network:l1:", phase="run"),
        "fixed",
    ),
    Row(
        "operator",
        "Network fee: operator",
        "− Σ operator fee × price of the gas token then",
        lambda m: m.flow("network:operator:", phase="run"),
        "fixed",
        always=False,
    ),
    Row(
        "failed",
        "Failed transactions",
        "− Σ all fees of reverted transactions × price of the gas token then",
        lambda m: m.flow("network:failed:"),
        "fixed",
    ),
    Row(
        "events",
        "What befell you (liquidations, penalties, payments)",
        "Σ change × price then",
        lambda m: m.flow("events:"),
        "proportional",
        always=False,
    ),
    Row(
        "rounding",
        "Contract rounding",
        "Σ single units kept by the contract × price then",
        lambda m: m.flow("rounding:"),
        "proportional",
        always=False,
    ),
    Row(
        "exit",
        "Exit into the home asset",
        "Σ closing swaps (received − paid) − network fees of closing",
        _exit,
        "exit",
    ),
)
