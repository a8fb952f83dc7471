# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own checks, as a mark, with any scikit-learn that is supported."""

from contextlib import suppress

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks


def each_check(estimators, *, without=None):
    """`parametrize_with_checks`; pytest warns of the generator in its old versions.

    `without` is a class and a part of the names of checks that are left out for it. The
    signature of `fit` has sample_weight, whatever the estimator inside makes of it.
    """
    mark = parametrize_with_checks(estimators)
    names, checks = mark.args
    if without is not None:
        kind, part = without
        checks = [
            (estimator, check)
            for estimator, check in checks
            if not (isinstance(estimator, kind) and part in check.func.__name__)
        ]
    return pytest.mark.parametrize(names, list(checks), **mark.kwargs)


def each_check_and_routing(estimators, *, without=None, by_class=False):
    """`each_check` without metadata routing, and with it.

    What routing changes is how a class hands on sample weights. With it, all checks are
    made of one estimator of each class, and those of sample weights of all. `by_class`
    makes no more of them without it: for parameters that no check depends on.
    """
    mark = each_check(estimators, without=without)
    checks = mark.args[1]
    kinds = [type(estimator) for estimator in estimators]
    firsts = [repr(estimators[kinds.index(kind)]) for kind in set(kinds)]
    chosen = [
        (estimator, check)
        for estimator, check in checks
        if repr(estimator) in firsts or "sample_weight" in check.func.__name__
    ]
    unrouted = chosen if by_class else checks
    cases = [(*case, False) for case in unrouted] + [(*case, True) for case in chosen]
    ids = lambda value: (
        f"routing_{'on' if value else 'off'}"
        if isinstance(value, bool)
        else mark.kwargs["ids"](value)
    )
    return pytest.mark.parametrize("estimator, check, routing", cases, ids=ids)


def request_weights(estimator):
    """A clone whose parts all request sample weights, for metadata routing."""
    estimator = clone(estimator)
    for part in estimator.get_params().values():
        if hasattr(part, "set_fit_request"):
            with suppress(TypeError):  # it does not use them itself
                part.set_fit_request(sample_weight=True)
    return estimator
