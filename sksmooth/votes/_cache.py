# SPDX-License-Identifier: BSD-3-Clause
"""What was found for fitted classifiers, until something inside them changes."""

from weakref import WeakKeyDictionary

import numpy as np
from sklearn.pipeline import make_pipeline

from sksmooth._estimators import layers
from sksmooth.samples import Units
from sksmooth.votes._fitted_state import FittedState
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import may_have_closed_form

# The choice must not depend on the samples of a call, or their results would.
_TYPICAL_ROWS = 64


class FormCache:
    """Closed forms by classifier.

    Classifiers are not written to, as scikit-learn requires of `predict`, and not kept
    alive. Only types that may have a closed form get an entry: those of scikit-learn,
    which have a hash and weak references, while classifiers of other libraries may have
    neither.

    Parameters
    ----------
    find : callable
        From a classifier, samples and sigma to what is to be kept. It raises `Declined`
        where there is none, which is kept as well.
    """

    def __init__(self, find):
        self._find = find
        self._known = WeakKeyDictionary()

    def get(self, estimator, X, sigma, scale=None):
        """Return the form of a classifier and its break-even votes.

        Parameters
        ----------
        estimator : fitted classifier
        X : ndarray of shape (n_samples, n_features)
            Samples near which the form is compared with `predict`, over `scale`.
        sigma : float
        scale : tuple of float, default=None
            Unit of each feature. The form is then that of the classifier as a function
            of ``X / scale``.

        Raises
        ------
        Declined
            If there is none; the message is the reason.
        """
        form = self._form(estimator, X, sigma, scale)
        if isinstance(form, Declined):
            raise type(form)(str(form))
        return form

    def _form(self, estimator, X, sigma, scale):
        parts = layers(estimator, exact=True)
        if not may_have_closed_form(parts):
            return self._compute(estimator, X, sigma, scale)
        known = self._known.get(estimator)
        if known is not None:
            form, state, known_scale = known
            if known_scale == scale and state.is_that_of(parts):
                return form
        state = FittedState(parts)
        form = self._compute(estimator, X, sigma, scale)
        self._known[estimator] = form, state, scale
        return form

    def _compute(self, estimator, X, sigma, scale):
        if scale is not None:
            estimator = make_pipeline(Units(np.array(scale)), estimator)
        try:
            source = self._find(estimator, X, sigma)
        except Declined as reason:
            # A new exception: the traceback of this one keeps the estimator alive.
            return type(reason)(str(reason))
        # Computed once, before a table is filled: the choice must not depend on
        # earlier calls.
        cost = getattr(source, "break_even_votes", lambda _: 0.0)(_TYPICAL_ROWS)
        return source, cost
