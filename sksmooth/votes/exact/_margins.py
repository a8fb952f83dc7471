# SPDX-License-Identifier: BSD-3-Clause
"""Two linear classes under symmetric noise: distances to a hyperplane."""

import numpy as np

from sksmooth.samples import unit_values_of
from sksmooth.votes._source import Source
from sksmooth.votes.exact._linear import TwoClassSource
from sksmooth.votes.exact._rounding import UNIT

# The norm that measures the weights where changes are measured in another.
_DUAL = {1: np.inf, 2: 2, np.inf: 1}


def has_margin(form):
    """Whether a closed form is that of a hyperplane between two classes."""
    return isinstance(form, TwoClassSource) and form.has_direction


class MarginVotes(Source):
    """A source that knows where a linear classifier of two classes changes its label.

    Noise that is symmetric about the sample is on either side of the hyperplane
    through it with the same probability, so that smoothing changes no label. The
    radius in a norm is the distance to the hyperplane in it: the margin over the dual
    norm of the weights. It is exact, where the Neyman-Pearson bound of the law holds
    for any classifier of the same probabilities and is smaller in other norms than l2.

    Parameters
    ----------
    form : TwoClassSource
        The closed form under Gaussian noise, in units of the features' scale.
    model : Model
    others : Source
        For shares of the votes, of which the margin tells nothing.
    """

    method = "exact"
    serial = True

    def __init__(self, form, model, others):
        self.form = form
        self.law = model.law
        self.classes = model.classes
        self.estimator = model.estimator
        self._others = others

    @property
    def seconds_per_sample(self):
        """Estimated time of a sample among many."""
        return self.form.cost_per_row(10_000)

    def probits(self, X):
        """Distances to the hyperplane, by which one classifier is told from another."""
        return self.form.probits(unit_values_of(X), 1.0)

    def margins(self, X):
        """Which class a sample has, and its distance to the other, rounded down."""
        points = unit_values_of(X)
        lower, upper = self.form.probits(points, 1.0)
        label = (lower[:, 1] + upper[:, 1] > 0).astype(np.intp)
        distance = lower[np.arange(len(label)), label]
        # Quotients by the scale are rounded, which moves the sample by a little.
        moved = 1.01 * UNIT * np.linalg.norm(points, axis=1)
        length = self.form.length(2) / self.form.length(_DUAL[self.law.norm])
        shrunk = (distance - moved) * length
        # Weights that are a little off in l2 are more so in other norms.
        relative = self.form.relative_error * (2 + np.sqrt(points.shape[1]))
        relative += (points.shape[1] + 8) * UNIT
        return label, shrunk - 2 * relative * np.abs(shrunk)

    def answer(self, question, X, on_finished=None):
        """Answer a question about samples; see `Source.answer`.

        Shares of the votes have a closed form under Gaussian noise only.
        """
        if not hasattr(question, "from_margins"):
            if self.only_exact and self._others.method != "exact":
                raise ValueError(
                    f"method='exact' has no closed form of the probabilities of "
                    f"{self.estimator!r} under noise={self.law.name!r}. Use "
                    "method='auto' or 'monte_carlo'."
                )
            return self._others.answer(question, X, on_finished)
        answers = question.from_margins(*self.margins(X), len(self.classes))
        if on_finished is not None:
            on_finished(len(X))
        return answers
