# SPDX-License-Identifier: BSD-3-Clause
"""Laws with parameters of their own, as grids and `clone` of scikit-learn know them."""

import inspect
from numbers import Real
from typing import Any, Self


class LawParameters:
    """Parameters of a law, before it is bound to the features of samples.

    A subclass stores what `__init__` is given, unchanged.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Not needed: they are no objects with parameters.

        Returns
        -------
        dict
            By name.
        """
        names = inspect.signature(type(self).__init__).parameters
        return {name: getattr(self, name) for name in names if name != "self"}

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            By name.

        Returns
        -------
        self
            With other parameters.

        Raises
        ------
        ValueError
            If there is no parameter of some name.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}; it has "
                    f"{', '.join(known)}."
                )
            setattr(self, name, value)
        return self

    def __eq__(self, other):
        return type(self) is type(other) and self.get_params() == other.get_params()

    def __hash__(self):
        return hash((type(self), repr(self)))

    def __repr__(self):
        shown = (f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({', '.join(shown)})"


def check_probability(probability: Any) -> float:
    """Return a probability as a float; it must be strictly between 0 and 1."""
    is_number = isinstance(probability, Real)
    if not (is_number and 0 < probability < 1):
        raise ValueError(
            f"probability={probability!r} must be a number strictly between 0 and 1."
        )
    return float(probability)
