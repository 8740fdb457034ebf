"""Who manages for others: a fee on assets, a fee on profit above a high-water mark, over a book of clients.

A client's *mark* is what it had when it last paid a fee on profit, moved by what it brings and takes. Fees are rounded down,
a mark is rounded up when a part is taken out: each in the client's favour. Amounts are raw units of one asset, times seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.units import BPS, maximum, minimum, mul_div_down, mul_div_up

__all__ = ["YEAR", "Client", "Fees", "asset_fee_down", "bring", "charge", "charge_book", "profit_fee_down", "take_out"]

YEAR = 365 * 86_400


class Client(Struct, frozen=True):
    """What a client has with the manager now, and its high-water mark."""

    value: int
    mark: int


class Fees(Struct, frozen=True):
    """What a manager charged: on assets, and on profit."""

    assets: int
    profit: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.assets + self.profit


def asset_fee_down(value: int, bps: int, seconds: int) -> int:
    """Return the fee on assets for some time, never more than there is."""
    return minimum(value, mul_div_down(value * bps, seconds, BPS * YEAR))


def profit_fee_down(value: int, mark: int, bps: int) -> int:
    """Return the fee on what lies above the mark.

    >>> profit_fee_down(120, 100, 2_000), profit_fee_down(99, 100, 2_000)
    (4, 0)
    """
    return mul_div_down(maximum(value, mark) - mark, bps, BPS)


def charge(client: Client, asset_bps: int, profit_bps: int, seconds: int) -> tuple[Client, Fees]:
    """Charge a client: the fee on assets first, then that on profit of what is left; the mark rises to what remains."""
    on_assets = asset_fee_down(client.value, asset_bps, seconds)
    left = client.value - on_assets
    on_profit = profit_fee_down(left, client.mark, profit_bps)
    left -= on_profit
    return Client(left, maximum(client.mark, left)), Fees(on_assets, on_profit)


def bring(client: Client, amount: int) -> Client:
    """Return the client after bringing ``amount``: new money is no profit."""
    return Client(client.value + amount, client.mark + amount)


def take_out(client: Client, amount: int) -> Client:
    """Return the client after taking ``amount`` out: the mark falls in proportion, so that no loss and no profit is forgotten.

    Raises
    ------
    ValueError : more than there is.
    """
    if not 0 <= amount <= client.value:
        raise ValueError(f"{amount} of {client.value}")
    if client.value == 0:
        return client
    left = client.value - amount
    return Client(left, mul_div_up(client.mark, left, client.value))


def charge_book(
    book: Mapping[str, Client], asset_bps: int, profit_bps: int, seconds: int
) -> tuple[dict[str, Client], Fees]:
    """Charge every client by itself: one client's loss does not spare another's profit from the fee."""
    charged = {name: charge(client, asset_bps, profit_bps, seconds) for name, client in book.items()}
    fees = Fees(sum(each.assets for _, each in charged.values()), sum(each.profit for _, each in charged.values()))
    return {name: client for name, (client, _) in charged.items()}, fees
