"""What a venue shows of a position beside its amounts: whether it still earns, how safe it is, whether the place is open.

A kind of venue names a function in ``Kind.signs``. It is given the reader's client, what is held, and a block; what it
answers is compared with limits by ``studies.watch``, which knows no venue by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from tidemill.venues.shared.history import Holding

__all__ = ["Sign", "Signs"]


class Sign(Struct, frozen=True):
    """One thing that can be seen at a block.

    Parameters
    ----------
    what : ``range``: ticks by which the price is beyond the position's range, 0 inside; ``health``: the health factor in
        basis points, liquidation begins below 10,000; ``rate``: basis points a year that it pays now; ``closed``: 1 where
        the place takes no money or lets none out, else 0.
    subject : id of the position, or of the venue and the token. words : what was seen, for people.
    """

    what: Literal["range", "health", "rate", "closed"]
    subject: str
    value: int
    words: str = ""


Signs = Callable[[Any, Holding, int], Sequence[Sign]]
"""``Kind.signs``: (client, what is held, block) → signs. Raises ``RpcError`` where the chain does not answer."""
