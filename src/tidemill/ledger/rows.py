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
_LENDING = frozenset({"lending"})
_OPERATOR, _RELAY = frozenset({"operator"}), frozenset({"relay"})
_SPENT = "minus the sum of what was paid x price when paid"


def _exit(m: Measures) -> Measure:
    swaps = m.flow("swaps:", phase="exit")
    fees = m.flow("network:l2:", "network:l1:", "network:operator:", phase="exit")
    tokens = {t: swaps.tokens.get(t, 0) + fees.tokens.get(t, 0) for t in (*swaps.tokens, *fees.tokens)}
    return Measure(swaps.value + fees.value, tokens)


ROWS: tuple[Row, ...] = (
    Row(
        "fees",
        "Gross fees",
        "sum of fees accrued x price when accrued",
        lambda m: m.flow("income:fees:"),
        "income",
        _LIQUIDITY,
    ),
    Row(
        "growth",
        "Share-price growth",
        "sum of shares x change of (assets per share) x price then",
        lambda m: m.flow("income:growth:"),
        "income",
        _VAULT,
    ),
    Row(
        "rewards",
        "Rewards accrued",
        "sum of rewards accrued x price when accrued",
        lambda m: m.flow("income:rewards:"),
        "income",
        _FARM,
    ),
    Row(
        "dilution",
        "Further rewards, which only make up for new tokens",
        "sum of stake x growth of the supply x price then, at most what was paid",
        lambda m: m.flow("income:dilution:"),
        "income",
        _FARM,
        always=False,
    ),
    Row(
        "interest",
        "Interest earned",
        "sum of interest accrued x price when accrued",
        lambda m: m.flow("income:interest:"),
        "income",
        _LENDING,
    ),
    Row(
        "borrowing",
        "Interest paid on debt",
        "minus the sum of interest accrued x price when accrued",
        lambda m: m.flow("income:borrowing:"),
        "proportional",
        _LENDING,
        always=False,
    ),
    Row(
        "takings",
        "Fees from users",
        "sum of fees paid in x price when paid",
        lambda m: m.flow("income:takings:"),
        "income",
        _OPERATOR,
    ),
    Row(
        "carry",
        "Fees on clients' profit",
        "sum of fees charged x price when charged",
        lambda m: m.flow("income:carry:"),
        "income",
        _OPERATOR,
        always=False,
    ),
    Row(
        "fills",
        "Fees of orders filled",
        "sum of fees repaid x price when repaid",
        lambda m: m.flow("income:fills:"),
        "income",
        _RELAY,
    ),
    Row("da", "Data on Ethereum", _SPENT, lambda m: m.flow("costs:da:"), "proportional", _OPERATOR, False),
    Row(
        "proving",
        "Proofs and state roots",
        _SPENT,
        lambda m: m.flow("costs:proving:"),
        "proportional",
        _OPERATOR,
        False,
    ),
    Row("sharing", "Revenue shared", _SPENT, lambda m: m.flow("costs:sharing:"), "proportional", _OPERATOR, False),
    Row(
        "takings_move",
        "Price move of the fees from users",
        "sum of fees so far x price change (as if kept as they came)",
        lambda m: m.income_move("income:takings:", "income:carry:"),
        "proportional",
        _OPERATOR,
        always=False,
    ),
    Row(
        "fills_move",
        "Price move of the fees of orders",
        "sum of fees so far x price change (as if kept as they came)",
        lambda m: m.income_move("income:fills:"),
        "proportional",
        _RELAY,
        always=False,
    ),
    Row(
        "fees_move",
        "Price move of the fees",
        "sum of fees so far x price change (as if kept as they came)",
        lambda m: m.income_move("income:fees:"),
        "proportional",
        _LIQUIDITY,
    ),
    Row(
        "growth_move",
        "Price move of the growth",
        "sum of growth so far x price change",
        lambda m: m.income_move("income:growth:"),
        "proportional",
        _VAULT,
        always=False,
    ),
    Row(
        "interest_move",
        "Price move of the interest",
        "sum of interest so far, earned less paid, x price change",
        lambda m: m.income_move("income:interest:", "income:borrowing:"),
        "proportional",
        _LENDING,
        always=False,
    ),
    Row(
        "rewards_move",
        "Price move of the rewards",
        "sum of rewards so far x price change (as if kept as they came)",
        lambda m: m.income_move("income:rewards:", "income:dilution:"),
        "proportional",
        _FARM,
    ),
    Row(
        "hodl",
        "Price move of what you brought",
        "what you brought x (end price - start price)",
        Measures.holding,
        "price",
    ),
    Row(
        "divergence",
        "Divergence (impermanent) loss",
        "sum of (taken out - put in) x price when taken out",
        Measures.divergence,
        "proportional",
        _LIQUIDITY,
    ),
    Row(
        "drift",
        "Price move of what the strategy changed",
        "sum of (holdings outside fees - what you brought) x price change",
        Measures.drift,
        "proportional",
        always=False,
    ),
    Row(
        "swaps",
        "Own swaps: slippage and pool fees",
        "sum of (received - paid) x price just before",
        lambda m: m.flow("swaps:", phase="run"),
        "proportional",
        labels={"farm": "Selling rewards: slippage and pool fees", "vault": "Own swaps: slippage and pool fees"},
    ),
    Row(
        "bridge",
        "Moved between networks: what arrives less what was sent",
        "sum of (arriving - sent) x price when sent; in flight it earns nothing",
        lambda m: m.flow("bridge:"),
        "proportional",
        always=False,
    ),
    Row(
        "l2",
        "Network fee: L2 execution",
        "minus the sum of gas x gas price x price of the gas token then",
        lambda m: m.flow("network:l2:", phase="run"),
        "fixed",
    ),
    Row(
        "l1",
        "Network fee: L1 data",
        "minus the sum of data fee x price of the gas token then",
        lambda m: m.flow("network:l1:", phase="run"),
        "fixed",
    ),
    Row(
        "operator",
        "Network fee: operator",
        "minus the sum of operator fee x price of the gas token then",
        lambda m: m.flow("network:operator:", phase="run"),
        "fixed",
        always=False,
    ),
    Row(
        "failed",
        "Failed transactions",
        "minus the sum of all fees of reverted transactions x price of the gas token then",
        lambda m: m.flow("network:failed:"),
        "fixed",
    ),
    Row(
        "events",
        "What befell you (liquidations, penalties, payments)",
        "sum of change x price then",
        lambda m: m.flow("events:"),
        "proportional",
        always=False,
    ),
    Row(
        "rounding",
        "Contract rounding",
        "sum of single units kept by the contract x price then",
        lambda m: m.flow("rounding:"),
        "proportional",
        always=False,
    ),
    Row(
        "exit",
        "Exit into the home asset",
        "sum of closing swaps (received - paid) - network fees of closing",
        _exit,
        "exit",
    ),
)
