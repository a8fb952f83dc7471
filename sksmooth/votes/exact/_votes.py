# SPDX-License-Identifier: BSD-3-Clause
"""Certificates from class probabilities in closed form."""

import numpy as np

from sksmooth.samples import Table, unit_values_of
from sksmooth.votes._source import Source
from sksmooth.votes.exact._numerics import clipped

_MANY = 10_000
# Relative error of a quotient, and a little for the norm that it is multiplied by.
ROUNDING = 1.01 * 2.0**-53


class ExactVotes(Source):
    """A source that computes the probabilities of the classes.

    Parameters
    ----------
    form : ExactSource
        The closed form of a fitted classifier; it serves any sigma.
    law : Law
        The noise.
    inputs : ArrayInputs or TableInputs
        The numbers that it is a function of.
    break_even_votes : float
        See `Source`.
    """

    method = "exact"
    # A table is read faster than it is sent to a worker.
    serial = True

    def __init__(self, form, law, inputs, break_even_votes):
        self.form = form
        self.inputs = inputs
        self.law = law
        self.break_even_votes = break_even_votes

    def probits(self, X):
        """Bounds on the probabilities of the classes; see `ExactSource.probits`."""
        if not isinstance(X, Table):
            return self.form.probits(X, self.law.sigma)
        lower, upper = self.form.probits(self.inputs.of(X), self.law.sigma)
        # The quotients are rounded, which amounts to a small move of the sample; a move
        # by delta moves no probit by more than delta / sigma (Cohen et al. 2019).
        moved = ROUNDING * np.linalg.norm(unit_values_of(X), axis=1) / self.law.sigma
        moved = moved[:, np.newaxis]
        return clipped(lower - moved, upper + moved)

    @property
    def seconds_per_sample(self):
        """Estimated time of a sample among many."""
        return self.form.cost_per_row(_MANY)

    def answer(self, question, X, on_finished=None):
        """Results of a question for samples; see `Source.answer`."""
        answers = question.from_probabilities(self.probits(X))
        if on_finished is not None:
            on_finished(len(X))
        return answers
