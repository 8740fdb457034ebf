"""What a proof costs and what it must earn: computing, and the gas by which Ethereum checks it."""

from __future__ import annotations

from tidemill.units import div_up

__all__ = ["break_even_fee_up", "proof_cost", "transactions_to_pay_up"]


def proof_cost(computing: int, verify_gas: int, gas_price: int) -> int:
    """Return what one proof costs (wei): ``computing`` and being verified on Ethereum."""
    return computing + verify_gas * gas_price


def break_even_fee_up(cost: int, transactions: int) -> int:
    """Return the least fee a transaction at which a proof of so many pays for itself.

    >>> break_even_fee_up(proof_cost(10**15, 400_000, 20 * 10**9), 5_000)
    1800000000000
    """
    return div_up(cost, transactions)


def transactions_to_pay_up(cost: int, fee: int) -> int:
    """Return how many transactions at ``fee`` (wei) a proof needs to pay for itself."""
    return div_up(cost, fee)
