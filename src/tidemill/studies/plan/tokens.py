"""Which tokens stand for the same thing: dollars, ether, bitcoin; every other token stands for itself."""

from __future__ import annotations

__all__ = ["DOLLARS", "ETHER", "family", "said", "unlike"]

ETHER = ("ETH", "WETH", "STETH", "WSTETH", "RETH", "CBETH", "WEETH", "EZETH")
"""Tokens whose price is taken for ether's where nobody gives their own: within a few per cent, by their rate."""
DOLLARS = frozenset(
    (
        "USDC",
        "USDT",
        "DAI",
        "USDS",
        "USDC.E",
        "USDBC",
        "USDE",
        "PYUSD",
        "GHO",
        "LUSD",
        "BOLD",
        "FRAX",
        "USD0",
        "RLUSD",
        "SDAI",
        "SUSDS",
        "SUSDE",
        "USDT0",
        "CRVUSD",
        "FDUSD",
        "USDP",
        "TUSD",
        "USDG",
        "USD₮0",
        "USDB",
        "USDM",
        "DOLA",
    )
)
"""Tokens that stand for a dollar, or for more and more of one."""
_BITCOIN = ("BTC", "WBTC", "CBBTC", "TBTC", "LBTC", "RBTC", "SBTC", "CBTC")
_EURO = ("EURC", "EURS", "EURA", "EURE", "AGEUR")
_POL = ("POL", "WPOL", "MATIC", "WMATIC")
_OF = {
    token: name
    for name, tokens in (("USD", DOLLARS), ("ETH", ETHER), ("BTC", _BITCOIN), ("EUR", _EURO), ("POL", _POL))
    for token in tokens
}


_SAID = {"USD": "dollars", "ETH": "ether", "BTC": "bitcoin", "EUR": "euros"}


def said(name: str) -> str:
    """Return a family's name as a person says it."""
    return _SAID.get(name, name)


def family(token: str) -> str:
    """Return what a token stands for.

    >>> family("WSTETH"), family("USDC"), family("STRK")
    ('ETH', 'USD', 'STRK')
    """
    return _OF.get(token, token)


def unlike(tokens: tuple[str, ...]) -> bool:
    """Return whether tokens stand for different things, so that their prices part.

    >>> unlike(("USDC", "USDT")), unlike(("USDC", "WETH"))
    (False, True)
    """
    return len({family(token) for token in tokens}) > 1
