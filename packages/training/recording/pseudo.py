"""Numbers that look random and are the same in Python and in TypeScript (src/recorded/pseudo.fixture.ts)."""
import numpy as np


def pseudo(count, key):
    """`count` float64 numbers in [-1, 1), from Weyl's sequence of squares."""
    index = np.arange(1, count + 1, dtype=np.float64)
    mixed = np.mod(index * 0.6180339887498949 + key * 0.7548776662466927, 1.0)
    return 2 * np.mod(mixed * mixed * 1021.0, 1.0) - 1
