"""The rules of Uniswap v3, all of them, by concept; see each module for its derivation and roundings."""

from __future__ import annotations

from tidemill.venues.uniswap_v3 import (
    rules_bitmap,
    rules_fees,
    rules_liquidity,
    rules_oracle,
    rules_prices,
    rules_swap,
    rules_ticks,
)
from tidemill.venues.uniswap_v3.rules_bitmap import *  # noqa: F403 - each module's own list is the public one
from tidemill.venues.uniswap_v3.rules_fees import *  # noqa: F403
from tidemill.venues.uniswap_v3.rules_liquidity import *  # noqa: F403
from tidemill.venues.uniswap_v3.rules_oracle import *  # noqa: F403
from tidemill.venues.uniswap_v3.rules_prices import *  # noqa: F403
from tidemill.venues.uniswap_v3.rules_swap import *  # noqa: F403
from tidemill.venues.uniswap_v3.rules_ticks import *  # noqa: F403

__all__: list[str] = []
__all__ += rules_bitmap.__all__
__all__ += rules_fees.__all__
__all__ += rules_liquidity.__all__
__all__ += rules_oracle.__all__
__all__ += rules_prices.__all__
__all__ += rules_swap.__all__
__all__ += rules_ticks.__all__
