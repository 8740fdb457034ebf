"""Shares and assets of a liquid staking token, its fee, and what its queue of withdrawals pays.

Shares are the token's own units (wstETH, rETH, weETH), assets raw units of what is staked. A rate of the queue is a ray:
assets per share times 10**27.

Source: Lido's public documentation of shares, of the oracle's report (fee minted as shares) and of the withdrawal queue
(a request is paid at the lower of its own rate and that of its finalisation). Lido's sums run over all validators; here one
number stands for them.
"""

from __future__ import annotations

from tidemill.units import BPS, RAY, Uint, div_down, rule

__all__ = ["added", "assets_for_shares_down", "fee_shares_down", "paid_down", "rate_down", "shares_for_assets_down"]


@rule
def shares_for_assets_down(assets: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Shares that ``assets`` give; one for one while there are none.

    >>> shares_for_assets_down(118, 1_180, 1_000)
    100
    """
    if total_shares == 0:
        return assets
    return div_down(assets * total_shares, total_assets)


@rule
def assets_for_shares_down(shares: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Assets that ``shares`` stand for."""
    if total_shares == 0:
        return shares
    return div_down(shares * total_assets, total_shares)


@rule
def added(total: Uint, amount: Uint) -> Uint:
    """``total + amount``, which has 256 bits."""
    return total + amount


@rule
def fee_shares_down(rewards: Uint, fee_bps: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Shares minted to the protocol, worth its part of ``rewards`` once they are there.

    ``total_assets`` holds the rewards already, ``total_shares`` not yet the new shares: ``s`` of them are worth the part
    ``f`` when ``s / (total_shares + s) = f / total_assets``.
    """
    return div_down(rewards * fee_bps * total_shares, total_assets * BPS - rewards * fee_bps)


@rule
def rate_down(total_assets: Uint, total_shares: Uint) -> Uint:
    """Assets per share, a ray; one while there are no shares."""
    if total_shares == 0:
        return RAY
    return div_down(total_assets * RAY, total_shares)


@rule
def paid_down(assets: Uint, shares: Uint, rate: Uint) -> Uint:
    """What a request for ``shares``, worth ``assets`` when it was made, is paid at ``rate``: never more than ``assets``."""
    if div_down(assets * RAY, shares) <= rate:
        return assets
    return div_down(shares * rate, RAY)
