# SPDX-License-Identifier: BSD-3-Clause
"""What the two questions of `certify` have in common."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from sksmooth.noise import Law
from sksmooth.questions._question import Question


@dataclass(frozen=True, kw_only=True)
class Certify(Question):
    """The class that leads the vote, and the radius within which it stays ahead.

    Parameters
    ----------
    law : Law
        The noise.
    n_max : int
        Most votes that a certificate is read from.
    alpha : float
        Error probability of a sample.
    bound : {"binary", "multiclass"}
        See `SmoothedClassifier`.
    weights : ndarray of shape (n_classes,) or None
        Vote weights.
    slack : float
        Taken off every radius that votes prove, see `Law.grid_slack`.
    beta : float
        Level at which a sample is given up (futility). It affects the cost only, never
        the guarantee.
    """

    law: Law
    n_max: int
    alpha: float
    bound: str
    weights: np.ndarray | None
    slack: float
    beta: float
    radii: ClassVar[np.ndarray | None] = None
    task: ClassVar[str] = "certify"

    # What defines certificates that took no votes.
    _of_exact: ClassVar[tuple[str, ...]] = ("weights",)

    def error(self, method: str) -> dict[str, float]:
        """Return `alpha` and `slack` of the certificates; closed forms have none."""
        if method == "exact":
            return {"alpha": 0.0, "slack": 0.0}
        return {"alpha": float(self.alpha), "slack": float(self.slack)}

    def described(self, method: str) -> dict[str, Any]:
        """Return all that defines the certificates, of types that JSON has."""
        names = [field.name for field in fields(self) if field.name != "law"]
        if method == "exact":
            names = list(self._of_exact)
        settings = {name: getattr(self, name) for name in names}
        return {
            "radii": None,
            **{
                name: value.tolist() if isinstance(value, np.ndarray) else value
                for name, value in settings.items()
            },
            **self.error(method),
            **self.law.described(),
            "law": self.law.terms(),
            "method": method,
        }
