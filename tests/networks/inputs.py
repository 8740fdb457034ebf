"""Seeded byte strings with the structure that makes FastLZ take each of its turns."""

from __future__ import annotations

import random


def structured(rng: random.Random, size: int) -> bytes:
    """Return about ``size`` bytes of one of eight kinds."""
    kind = rng.randrange(8)
    if kind == 0:
        return rng.randbytes(size)
    if kind == 1:
        return bytes([rng.randrange(256)]) * size
    if kind == 2:  # a period, now and then broken
        period = rng.randbytes(rng.randrange(1, 40))
        out = bytearray((period * (size // len(period) + 1))[:size])
        for _ in range(rng.randrange(4)):
            if out:
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        return bytes(out)
    if kind == 3:  # words of calldata
        words = (rng.randbytes(rng.choice((1, 2, 8, 20))).rjust(32, b"\0") for _ in range(size // 32 + 1))
        return (rng.randbytes(4) + b"".join(words))[:size]
    if kind == 4:  # few symbols: dense matches, many collisions
        return bytes(rng.choice(b"\x00\x01\xff") for _ in range(size))
    if kind == 5:  # something seen before, then random, then again
        seen = rng.randbytes(rng.randrange(3, max(4, size // 2 + 1)))
        return (seen + rng.randbytes(rng.randrange(0, 40)) + seen)[:size]
    if kind == 6:  # ends just inside or outside the margin
        return rng.randbytes(max(0, size - 20)) + bytes(rng.randrange(10, 24))
    mixed = b"".join(structured(rng, rng.randrange(1, 50)) for _ in range(size // 40 + 1))
    return mixed[:size]


def far_apart(rng: random.Random) -> bytes:
    """Return two equal pieces around the window's end (8191), and a match longer than one piece (264)."""
    piece = rng.randbytes(rng.choice((40, 260, 264, 265, 600)))
    gap = 8191 - len(piece) + rng.randrange(-3, 4)
    filler = rng.randbytes(gap) if rng.random() < 0.7 else bytes(gap)
    return piece + filler + piece + rng.randbytes(rng.randrange(0, 30))
