# SPDX-License-Identifier: BSD-3-Clause
"""Certificates of whatever holds a smoothed classifier."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Any

from numpy.typing import ArrayLike

from sksmooth._estimators import find_certifier
from sksmooth.certificates import Certificates
from sksmooth.logs import CertificateLog


def certify(
    estimator: Any,
    X: ArrayLike,
    *,
    radii: ArrayLike | None = None,
    changes: Iterable[int] | None = None,
    tol: float = 0.05,
    beta: float = 0.05,
    log: CertificateLog | str | PathLike[str] | None = None,
) -> Certificates:
    """Certify predictions of a smoothed classifier, bare or in a Pipeline or search.

    A Pipeline, a search such as :class:`~sklearn.model_selection.GridSearchCV`, a
    :class:`TunedVoteClassifierCV` and a :class:`~sklearn.frozen.FrozenEstimator`,
    nested in any way, are taken apart: `X` goes through the transformers that stand
    before the `SmoothedClassifier`, which then certifies it.

    Parameters
    ----------
    estimator : fitted estimator
        A `SmoothedClassifier`, or one of the above that ends in one.
    X : array-like of shape (n_samples, n_features, ...)
        Samples as `estimator.predict` takes them.
    radii : array-like of float, default=None
        Radii to decide. They, and those of the certificates, are in the units of what
        the `SmoothedClassifier` receives: behind a scaler, scaled units.
    changes : iterable of int, default=None
        As in :meth:`SmoothedClassifier.certify`.
    tol, beta : float, default=0.05
        As in :meth:`SmoothedClassifier.certify`.
    log : CertificateLog, str or path-like, default=None
        As in :meth:`SmoothedClassifier.certify`.

    Returns
    -------
    Certificates
        One for each sample, in the order of `X`.

    Raises
    ------
    TypeError
        If `estimator` holds no smoothed classifier whose predictions are its own.
    NotFittedError
        If it is not fitted.
    ValueError
        As :meth:`SmoothedClassifier.certify`.

    See Also
    --------
    SmoothedClassifier.certify : What is certified, and how.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sksmooth import SmoothedClassifier, certify
    >>> X, y = load_iris(return_X_y=True)
    >>> smoothed = SmoothedClassifier(LogisticRegression(), random_state=0)
    >>> search = GridSearchCV(
    ...     make_pipeline(StandardScaler(), smoothed),
    ...     {"smoothedclassifier__sigma": [0.25, 0.5]},
    ... )
    >>> certificates = certify(search.fit(X, y), X, radii=[0.25])
    >>> float(certificates.holds(0.25).mean().round(1))
    0.9
    """
    found = find_certifier(estimator, "certify")
    X = found.transform(X)
    # Not every certifier has this parameter.
    given = {} if changes is None else {"changes": changes}
    return found.core.certify(X, radii=radii, tol=tol, beta=beta, log=log, **given)
