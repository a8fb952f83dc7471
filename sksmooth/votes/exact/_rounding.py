# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that carry a bound on how far rounding has moved them.

The bounds are those of running error analysis: see N. J. Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd edition (2002), sections 3.1 and 3.3.
"""

import numpy as np

# Half the distance between 1 and the next float, and half the least positive float.
UNIT = 2.0**-53
TINY = 2.0**-1074
# The bounds are computed with rounding too; of a few thousand operations at most.
_SAFETY = 1 + 2.0**-30


def gamma(n):
    """Relative rounding error of n operations one after the other."""
    return n * UNIT / (1.0 - n * UNIT)


class Rounded:
    """A float array and a bound on its distance from what it stands for.

    Parameters
    ----------
    value : array-like of float
    error : array-like of float of the same shape, default=None
        None where the value is exact.
    """

    def __init__(self, value, error=None):
        self.value = np.asarray(value, dtype=np.float64)
        self.error = np.zeros_like(self.value) if error is None else error

    @classmethod
    def of(cls, value):
        """A Rounded as it is; anything else as exact."""
        return value if isinstance(value, cls) else cls(value)

    @property
    def parts(self):
        """The value and its error."""
        return self.value, self.error

    @property
    def size(self):
        """Bound on the absolute value of what is meant."""
        return (np.abs(self.value) + self.error) * _SAFETY

    @property
    def T(self):
        return Rounded(self.value.T, self.error.T)

    def __len__(self):
        return len(self.value)

    def __getitem__(self, key):
        return Rounded(self.value[key], self.error[key])

    def __neg__(self):
        return Rounded(-self.value, self.error)

    def __add__(self, other):
        other = Rounded.of(other)
        return _after_one_rounding(self.value + other.value, self.error + other.error)

    def __sub__(self, other):
        return self + -Rounded.of(other)

    def __mul__(self, other):
        other = Rounded.of(other)
        error = np.abs(self.value) * other.error + self.error * other.size
        error = error + TINY * (self.value != 0) * (other.value != 0)
        return _after_one_rounding(self.value * other.value, error)

    def __truediv__(self, other):
        other = Rounded.of(other)
        quotient = self.value / other.value
        least = np.abs(other.value) - other.error
        with np.errstate(divide="ignore", invalid="ignore"):
            error = (self.error + np.abs(quotient) * other.error) / least
        error = np.where(least > 0, error + TINY * (self.value != 0), np.inf)
        return _after_one_rounding(quotient, error)

    def __matmul__(self, other):
        other = Rounded.of(other)
        # Row by row: equal rows give equal products, which BLAS does not promise.
        value = np.stack([row @ other.value for row in np.atleast_2d(self.value)])
        sizes = np.abs(self.value) @ np.abs(other.value)
        error = self.error @ other.size + np.abs(self.value) @ other.error
        n = self.value.shape[-1]
        error = error + gamma(n) * sizes + n * TINY * (sizes != 0)
        return Rounded(value.reshape(error.shape), error * _SAFETY)

    def sum(self, axis):
        """Sum along an axis."""
        n = self.value.shape[axis]
        error = self.error.sum(axis=axis)
        error = error + gamma(n) * np.abs(self.value).sum(axis=axis)
        return Rounded(self.value.sum(axis=axis), error * _SAFETY)


def _after_one_rounding(value, error):
    # Sums lose nothing to underflow, and what has no error keeps none.
    rounding = np.maximum(UNIT * np.abs(value), TINY * (value != 0))
    return Rounded(value, (error + rounding) * _SAFETY)
