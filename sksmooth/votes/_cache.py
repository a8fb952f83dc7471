# SPDX-License-Identifier: BSD-3-Clause
"""What was found for fitted classifiers, until something inside them changes."""

from functools import partial
from weakref import WeakKeyDictionary

from sksmooth._estimators import layers
from sksmooth.samples import Table
from sksmooth.votes._fitted_state import FittedState
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import may_have_closed_form

# The choice must not depend on the samples of a call, or their results would.
_TYPICAL_ROWS = 64


class FoundCache:
    """What was found for classifiers, and where nothing was found, for which reason.

    Classifiers are not written to, as scikit-learn requires of `predict`, and not kept
    alive. They must have a hash and weak references, as those of scikit-learn do.
    """

    def __init__(self):
        self._known = WeakKeyDictionary()

    def get(self, estimator, parts, find, key=None):
        """Return what was found for a classifier, or find it.

        Parameters
        ----------
        estimator : fitted classifier
        parts : Layers
            What is compared to tell whether anything has changed, see `FittedState`.
        find : callable
            Without parameters. It raises `Declined` where there is nothing.
        key : object, default=None
            What else it depends on.

        Returns
        -------
        What `find` returned, or a `Declined`.
        """
        known = self._known.get(estimator)
        if known is not None:
            found, state, known_key = known
            if known_key == key and state.is_that_of(parts):
                return found
        state = FittedState(parts)
        found = found_or_declined(find)
        self._known[estimator] = found, state, key
        return found


def found_or_declined(find):
    """Return what a function returns, or the `Declined` that it raises."""
    try:
        return find()
    except Declined as reason:
        # A new exception: the traceback of this one keeps the estimator alive.
        return type(reason)(str(reason))


def unless_declined(found):
    """Return what was found, or raise it if it is a `Declined`."""
    if isinstance(found, Declined):
        raise type(found)(str(found))
    return found


class FormCache:
    """Closed forms by classifier.

    Only types that may have a closed form get an entry: those of scikit-learn, while
    classifiers of other libraries may have neither a hash nor weak references.

    Parameters
    ----------
    find : callable
        From a classifier, samples and sigma to what is to be kept. It raises `Declined`
        where there is none, which is kept as well.
    """

    def __init__(self, find):
        self._find = find
        self._known = FoundCache()

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
        parts = layers(estimator, exact=True)
        noisy = None
        if isinstance(X, Table):
            noisy = X.noisy.tobytes(), X.scale.tobytes()
        compute = partial(self._compute, estimator, X, sigma)
        if not may_have_closed_form(parts):
            return compute()
        return unless_declined(self._known.get(estimator, parts, compute, noisy))

    def _compute(self, estimator, X, sigma):
        source = self._find(estimator, X, sigma)
        # Computed once, before a table is filled: the choice must not depend on
        # earlier calls.
        cost = getattr(source, "break_even_votes", lambda _: 0.0)(_TYPICAL_ROWS)
        return source, cost
