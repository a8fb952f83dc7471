# SPDX-License-Identifier: BSD-3-Clause
"""What was found for fitted classifiers, until something inside them changes."""

from functools import partial
from weakref import ref

from sksmooth._estimators import layers
from sksmooth.samples import Table
from sksmooth.votes._fitted_state import FittedState
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import may_have_closed_form
from sksmooth.votes.fast import may_be_fast

# The choice must not depend on the samples of a call, or their results would.
TYPICAL_ROWS = 64


class FoundCache:
    """What was found for classifiers, and where nothing was found, for which reason.

    Classifiers are not written to, as scikit-learn requires of `predict`, and not kept
    alive. They must have weak references, as those of scikit-learn do; some of other
    libraries have no hash.
    """

    def __init__(self):
        self._known = {}  # by id: weak reference, state and results

    def results(self, estimator, parts):
        """Return the results for a classifier in the state that it is in now.

        Parameters
        ----------
        estimator : fitted classifier
        parts : Layers
            What is compared to tell whether anything has changed, see `FittedState`.

        Returns
        -------
        dict
            Empty if anything has changed, and to be added to.
        """
        known = self._known.get(id(estimator))
        if known and known[0]() is estimator and known[1].is_that_of(parts):
            return known[2]
        results = {}
        # No other object has this id before it is forgotten.
        forget = partial(_forget, self._known, id(estimator))
        self._known[id(estimator)] = ref(estimator, forget), FittedState(parts), results
        return results


def _forget(known, key, _):
    known.pop(key, None)


_of_whole = FoundCache()


class Found:
    """What was found for a classifier in the state that it is in during one call.

    The state is compared once, when something is first searched for: an estimator of
    another library, for which nothing is, may have no state that could be compared.

    Parameters
    ----------
    estimator : fitted classifier
    parts : Layers, default=None
        What results depend on; None is the whole of it.
    cache : FoundCache, default=None
        Where results are kept that depend on other parts than the whole.
    """

    def __init__(self, estimator, parts=None, cache=None):
        self.estimator = estimator
        self._owner = estimator
        if parts is None:
            parts = layers(estimator, exact=True)
            # Without transformers a wrapper predicts what the classifier inside does.
            self._owner = estimator if parts.transformers else parts.core
        self.parts = parts
        self._cache = _of_whole if cache is None else cache
        self._results = None

    def of_core(self):
        """Return what was found for the classifier inside of all wrappers."""
        return Found(self.parts.core) if self.parts.transformers else self

    def get(self, kind, find, key=None):
        """Return what was found, or find it.

        Parameters
        ----------
        kind : object
            What is searched for; of each kind one result is kept.
        find : callable
            Without parameters. It raises `Declined` where there is nothing, which is
            kept as well.
        key : object, default=None
            What the result depends on beside the classifier.

        Returns
        -------
        What `find` returned.

        Raises
        ------
        Declined
            If it did.
        """
        if self._results is None:
            self._results = self._cache.results(self._owner, self.parts)
        known_key, found = self._results.get(kind, (None, None))
        if found is None or known_key != key:
            found = found_or_declined(find)
            self._results[kind] = key, found
        return unless_declined(found)

    def get_form(self, find, X, sigma):
        """Return the closed form of the classifier and its break-even votes.

        It is kept for types that may have a closed form or a fast path: those of
        scikit-learn, while classifiers of other libraries may have neither a hash nor
        weak references.

        Parameters
        ----------
        find : callable
            From a classifier, samples and sigma to the form. It raises `Declined` where
            there is none.
        X : ndarray of shape (n_samples, n_features) or Table
            Samples near which the form is compared with `predict`. Of a table, the form
            is one for its columns that take noise, in units of their scale.
        sigma : float

        Raises
        ------
        Declined
            If there is none; the message is the reason.
        """
        compute = partial(_with_cost, find, self.estimator, X, sigma)
        if may_have_closed_form(self.parts) or self._is_fast():
            return self.get(find, compute, units_key(X))
        return compute()

    def _is_fast(self):
        """Whether this is a bare classifier that may have a fast path."""
        return not self.parts.transformers and may_be_fast(self.parts.core)


def units_key(X):
    """Return what a form depends on of samples: the columns that take noise."""
    return (X.noisy.tobytes(), X.scale.tobytes()) if isinstance(X, Table) else None


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


def _with_cost(find, estimator, X, sigma):
    source = find(estimator, X, sigma)
    # Computed once, before a table is filled: the choice must not depend on earlier
    # calls.
    cost = getattr(source, "break_even_votes", lambda _: 0.0)(TYPICAL_ROWS)
    return source, cost
