"""The length FastLZ (level 1) would compress to: since Fjord, the OP Stack prices a transaction by it.

Nothing is ever compressed; only the length counts. It must be consensus' own, byte for byte: same hash, same table
size, same window, same end margin. The compressor, in words:

* Output is a sequence of *literal runs* (one length byte per 32 bytes, then the bytes) and *matches* (2 bytes, or 3
  when the match is longer than 8; a match longer than 264 is cut into pieces of 262 at 3 bytes each).
* Walking forward, each position's next three bytes are hashed into a table of 8192 slots that remember the last
  position with that hash. A slot never written stands for position 0 — visible in the result, because position 0 is
  never entered itself. If the remembered position is at most 8191 back and starts with the same three bytes, that is
  a match: first the literals since the last match are flushed, then the match is extended as far as bytes agree.
* The extension counts the first byte that disagrees as well, and stops four bytes before the end of the input.
* After a match only the two positions before the walk resumes are entered into the table.
* No match starts in the last 14 bytes; what is left is one literal run.

Source: OP Stack specification, Fjord, "FastLZ"; checked against the GasPriceOracle bytecode (``tests/networks``).
This module is the specification; ``fastlz_kernel`` is the fast twin.
"""

from __future__ import annotations

__all__ = ["compressed_length"]

_SLOTS = 8192
_WINDOW = 8191
_HASH_FACTOR = 2654435769  # 2**32 / golden ratio: Fibonacci hashing
_END_MARGIN = 14  # no match starts here
_END_UNREAD = 4  # the extension of a match never looks at the last four bytes
_RUN = 32  # literals per length byte
_PIECE = 262  # longest match piece


def compressed_length(data: bytes) -> int:
    """Return the FastLZ length of ``data`` in bytes.

    >>> compressed_length(b"")
    0
    >>> compressed_length(bytes(1000))
    21
    """
    limit = len(data) - _END_MARGIN
    seen = [0] * _SLOTS
    length = 0
    flushed = 0  # everything before is accounted for
    at = 2
    while at < limit:
        start = _three(data, at)
        slot = _slot(start)
        earlier, seen[slot] = seen[slot], at
        if at - earlier > _WINDOW or _three(data, earlier) != start:
            at += 1
            continue
        length += _literals(at - flushed) + _match(agreement := _agreement(data, earlier, at))
        at += agreement
        for entered in (at, at + 1):
            seen[_slot(_three(data, entered))] = entered
        at += 2
        flushed = at
    return length + _literals(len(data) - flushed)


def _three(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16


def _slot(three: int) -> int:
    return (three * _HASH_FACTOR & 0xFFFFFFFF) >> 19


def _literals(count: int) -> int:
    runs, rest = divmod(count, _RUN)
    return runs * (_RUN + 1) + (rest + 1 if rest else 0)


def _match(agreement: int) -> int:
    pieces, rest = divmod(agreement - 1, _PIECE)
    return 3 * pieces + (3 if rest >= 6 else 2)


def _agreement(data: bytes, earlier: int, at: int) -> int:
    # Counted from the fourth byte on, the first disagreeing byte included.
    end = len(data) - _END_UNREAD - (at + 3)
    for step in range(end):
        if data[earlier + 3 + step] != data[at + 3 + step]:
            return step + 1
    return end
