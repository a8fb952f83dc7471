# SPDX-License-Identifier: BSD-3-Clause
"""What was found for fitted classifiers, until something inside them changes."""

from weakref import WeakKeyDictionary

from sksmooth._estimators import layers
from sksmooth.samples import Table
from sksmooth.votes._fitted_state import FittedState
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import may_have_closed_form

# The choice must not depend on the rows of a call, or a row's answer would.
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
        From a classifier, rows and sigma to what is to be kept. It raises `Declined`
        where there is none, which is kept as well.
    """

    def __init__(self, find):
        self._find = find
        self._known = WeakKeyDictionary()

    def get(self, estimator, X, sigma):
        """Return the form of a classifier and its break-even votes.

        Parameters
        ----------
        estimator : fitted classifier
        X : ndarray of shape (n_samples, n_features) or Table
            Samples near which the form is compared with `predict`. Of a table, the form
            is one for its columns that take noise, in units of their scale.
        sigma : float

        Raises
        ------
        Declined
            If there is none; the message is the reason.
        """
        form = self._form(estimator, X, sigma)
        if isinstance(form, Declined):
            raise type(form)(str(form))
        return form

    def _form(self, estimator, X, sigma):
        noisy = None
        if isinstance(X, Table):
            noisy = X.noisy.tobytes(), X.scale.tobytes()
        parts = layers(estimator, exact=True)
        if not may_have_closed_form(parts):
            return self._compute(estimator, X, sigma)
        known = self._known.get(estimator)
        if known is not None:
            form, state, known_noisy = known
            if known_noisy == noisy and state.is_that_of(parts):
                return form
        state = FittedState(parts)
        form = self._compute(estimator, X, sigma)
        self._known[estimator] = form, state, noisy
        return form

    def _compute(self, estimator, X, sigma):
        try:
            source = self._find(estimator, X, sigma)
        except Declined as reason:
            # A new exception: the traceback of this one keeps the estimator alive.
            return type(reason)(str(reason))
        # Computed once, before a table is filled: the choice must not depend on
        # earlier calls.
        cost = getattr(source, "break_even_votes", lambda _: 0.0)(_TYPICAL_ROWS)
        return source, cost
