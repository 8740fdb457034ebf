"""A stream of random integers that is the same on every machine and for every library version.

Floats are not used: two processors can differ in the last digit of an exponential, and a dataset's hash would with it.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["ONE_SIGMA", "Draws"]

ONE_SIGMA = 65_536
"""One standard deviation of ``Draws.normal``."""


class Draws:
    """Random integers derived from a text: SHAKE-256 of the seed and a name.

    Parameters
    ----------
    seed : any text; the same text gives the same numbers.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def words(self, name: str, count: int) -> NDArray[np.uint16]:
        """``count`` uniform 16-bit integers of the stream called ``name``."""
        raw = hashlib.shake_256(f"{self._seed}\0{name}".encode()).digest(2 * count)
        return np.frombuffer(raw, dtype="<u2")

    def uniform(self, name: str, count: int, below: int) -> NDArray[np.int64]:
        """``count`` integers in [0, below), below at most 2**32 (bias under 2**-16)."""
        words = self.words(name, 3 * count).astype(np.int64).reshape(count, 3)
        wide = (words[:, 0] << 32) | (words[:, 1] << 16) | words[:, 2]
        drawn: NDArray[np.int64] = (wide >> 16) * below >> 32
        return drawn

    def normal(self, name: str, count: int) -> NDArray[np.int64]:
        """``count`` near-normal integers of mean 0 and standard deviation ``ONE_SIGMA``, within six of it.

        The sum of twelve uniforms (Irwin and Hall).
        """
        words = self.words(name, 12 * count).astype(np.int64).reshape(count, 12)
        total: NDArray[np.int64] = words.sum(axis=1) - 6 * 65_535
        return total
