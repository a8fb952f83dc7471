# SPDX-License-Identifier: BSD-3-Clause
"""Scores of certificates against true labels, overall or class by class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._arguments import check_option, check_weights
from sksmooth._messages import listed
from sksmooth._typing import FloatOrArray
from sksmooth.certificates import (
    Certificates,
    array_of_labels,
    check_radius,
    class_index,
    refuse_masked,
    require_certificates,
    require_known,
)
from sksmooth.metrics._tally import ClassTally

# Property of ClassTally that each average is.
_TALLIED = {
    "micro": "overall",
    "macro": "macro",
    "worst": "worst",
    "range": "range",
    "gini": "gini",
}
AVERAGES = (*_TALLIED, None)


def check_average(average):
    """Raise unless `average` is one of `AVERAGES`."""
    check_option("average", average, AVERAGES)


def check_rows(values, certificates, name="y_true"):
    """Return `values` as a 1-d array with one entry per certificate."""
    require_certificates(certificates)
    refuse_masked(values, name)
    try:
        values = array_of_labels(values)
    except ValueError:  # lists of several lengths
        raise ValueError(
            f"{name} must be one-dimensional, got {values!r:.200}."
        ) from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, got shape {values.shape}; multi-output "
            "targets are not supported."
        )
    if len(values) != len(certificates):
        raise ValueError(
            f"{name} has {len(values)} samples and certificates {len(certificates)}; "
            "both must describe the same samples."
        )
    if len(values) == 0:
        raise ValueError(f"{name} is empty; a score needs at least one sample.")
    return values


def known_index(values, certificates, name="y_true"):
    """Return the position of each value in the classes; raise on unknown values."""
    return require_known(values, certificates.classes, name)


def check_asked(certificates, radius):
    """Return `radius` as a float; raise if it was not requested."""
    radius = check_radius(radius)
    if certificates.radii is not None and radius not in certificates.radii:
        raise ValueError(
            f"radius={radius!r} was not requested: these certificates are valid at "
            f"radii={certificates.radii} only. Add it to certify(X, radii=...), or "
            "call certify(X) for certificates that are valid at every radius."
        )
    return radius


def _check_labels(labels, y_true, classes):
    """Return the classes to score, in order: `labels`, or all that are known."""
    if labels is None:
        return classes
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels must be a list of classes, got {labels.tolist()!r}.")
    if len(set(labels.tolist())) < len(labels):
        raise ValueError(f"labels must be distinct, got {listed(labels)}.")
    seen = {*classes.tolist(), *y_true.tolist()}
    strange = [label for label in labels.tolist() if label not in seen]
    if strange:
        raise ValueError(
            f"labels holds {listed(strange)}, found neither in y_true nor among the "
            f"classes of the certificates {listed(classes)}."
        )
    return labels


def _tally(per_row, y_true, certificates, labels, sample_weight, higher_is_better=True):
    """Tally `per_row(y_true)` by class; what the three scores have in common."""
    y_true = check_rows(y_true, certificates)
    weight = check_weights(sample_weight, len(y_true))
    weight /= weight.max()  # only ratios matter, and sums of large weights overflow
    classes = certificates.classes
    labels = _check_labels(labels, y_true, classes)
    known = dict.fromkeys([*classes.tolist(), *labels.tolist()])
    require_known(y_true, list(known), "y_true")
    values = per_row(y_true)

    index = class_index(y_true, labels)
    chosen = index >= 0  # `labels` may leave classes out
    return ClassTally.of(
        values[chosen],
        index[chosen],
        len(labels),
        weight[chosen],
        higher_is_better=higher_is_better,
    )


def _average(tally, average):
    return tally.share if average is None else getattr(tally, _TALLIED[average])


def is_right(y_true, certificates):
    """Tell for each sample whether its label is the true one, certified or not."""
    # By position: a sample of a class the certificates do not know (-1) is never right.
    return class_index(y_true, certificates.classes) == class_index(
        certificates.label, certificates.classes
    )


def certified_accuracy_score(
    y_true: ArrayLike,
    certificates: Certificates,
    *,
    radius: float = 0.0,
    average: str | None = "micro",
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> FloatOrArray:
    """Share of samples whose label is right and certified within `radius`.

    A sample counts if its label is the true one, it did not abstain, and its certified
    radius is at least `radius`. An abstention is an error at every radius.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    certificates : Certificates
        What `SmoothedClassifier.certify` returned for the same samples.
    radius : float, default=0.0
        Radius >= 0, in the units of the X given to `certify`. Certificates made for
        given `radii` can be scored at those alone.
    average : {"micro", "macro", "worst", "range", "gini"} or None, default="micro"
        "micro": over samples. The others are over the classes of `y_true`, a class that
        has no sample (or no weight) being left out: "macro" is their mean, "worst" the
        worst class, "range" the best class minus the worst, and "gini" the Gini
        coefficient [3]_, 0 where all classes are equal. None: array of one score per
        class in the order of `labels`, nan for a class without samples.
    labels : array-like of shape (n_labels,), default=None
        Classes to score, and their order; samples of other classes are left out. None
        scores ``certificates.classes``. A class the certificates do not know may be
        named: all its samples are errors.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights >= 0 of the samples.

    Returns
    -------
    score : float or ndarray of shape (n_labels,)
        Share in [0, 1].

    Raises
    ------
    ValueError
        If `y_true` holds a class that neither `labels` nor the certificates know, the
        lengths differ, `radius` is negative or was not requested, or another value is
        out of range.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, section 4.
    .. [2] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021 (class-wise accuracy).
    .. [3] A. Shah, K. Visavadiya, M. Padala, "GF-Score: Certified Class-Conditional
       Robustness Evaluation with Fairness Guarantees", arXiv:2604.12757, 2026 (the
       Gini coefficient).

    Examples
    --------
    >>> from sksmooth import Certificates
    >>> from sksmooth.metrics import certified_accuracy_score
    >>> certificates = Certificates(
    ...     label=[0, 0, 1, 1], radius=[0.5, 0.2, 0.3, 0.0],
    ...     abstained=[False, False, False, True], p_lower=[0.9, 0.8, 0.8, 0.4],
    ...     counts=[[99, 1], [90, 10], [10, 90], [45, 55]], n_evaluations=[110] * 4,
    ...     classes=[0, 1], sigma=0.25, noise="gaussian", norm=2, alpha=0.001,
    ...     method="monte_carlo")
    >>> certified_accuracy_score([0, 0, 1, 1], certificates)
    0.75
    >>> certified_accuracy_score([0, 0, 1, 1], certificates, radius=0.3, average=None)
    array([0.5, 0.5])
    """
    check_average(average)
    tally = certified_accuracy_tally(
        y_true, certificates, radius, labels=labels, sample_weight=sample_weight
    )
    return _average(tally, average)


def certified_accuracy_tally(
    y_true, certificates, radius, *, labels=None, sample_weight=None
):
    """Tally the samples that are right and certified within `radius` by class."""

    def per_row(y_true):
        asked = check_asked(certificates, radius)
        return is_right(y_true, certificates) & certificates.holds(asked)

    return _tally(per_row, y_true, certificates, labels, sample_weight)


def average_certified_radius_score(
    y_true: ArrayLike,
    certificates: Certificates,
    *,
    average: str | None = "micro",
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> FloatOrArray:
    """Mean certified radius, counting samples with a wrong label or none as 0 (ACR).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    certificates : Certificates
        What `SmoothedClassifier.certify` returned for the same samples. If it was
        called with `radii`, the score is a lower bound: each radius counts as the
        largest one shown.
    average : {"micro", "macro", "worst", "range", "gini"} or None, default="micro"
        As in `certified_accuracy_score`; "worst" is the class of least ACR.
    labels : array-like of shape (n_labels,), default=None
        As in `certified_accuracy_score`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights >= 0 of the samples.

    Returns
    -------
    score : float or ndarray of shape (n_labels,)
        In the units of X.

    Raises
    ------
    ValueError
        As in `certified_accuracy_score`.

    References
    ----------
    .. [1] R. Zhai et al., "MACER: Attack-free and Scalable Robust Training via
       Maximizing Certified Radius", ICLR 2020.

    Examples
    --------
    >>> from sksmooth import Certificates
    >>> from sksmooth.metrics import average_certified_radius_score
    >>> certificates = Certificates(
    ...     label=[0, 1], radius=[0.5, 0.2], abstained=[False, False],
    ...     p_lower=[0.9, 0.8], counts=[[99, 1], [10, 90]], n_evaluations=[110, 110],
    ...     classes=[0, 1], sigma=0.25, noise="gaussian", norm=2, alpha=0.001,
    ...     method="monte_carlo")
    >>> average_certified_radius_score([0, 0], certificates)  # the second is wrong
    0.25
    """
    check_average(average)

    def per_row(y_true):
        # The radius is 0 where abstained.
        return is_right(y_true, certificates) * certificates.radius

    tally = _tally(per_row, y_true, certificates, labels, sample_weight)
    return _average(tally, average)


def abstention_rate(
    y_true: ArrayLike,
    certificates: Certificates,
    *,
    average: str | None = "micro",
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> FloatOrArray:
    """Share of samples that were given no certificate. Lower is better.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels; they only sort the samples into classes.
    certificates : Certificates
        What `SmoothedClassifier.certify` returned for the same samples.
    average : {"micro", "macro", "worst", "range", "gini"} or None, default="micro"
        As in `certified_accuracy_score`, but "worst" is the class that abstains most.
    labels : array-like of shape (n_labels,), default=None
        As in `certified_accuracy_score`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights >= 0 of the samples.

    Returns
    -------
    rate : float or ndarray of shape (n_labels,)
        Share in [0, 1].

    Raises
    ------
    ValueError
        As in `certified_accuracy_score`.

    Examples
    --------
    >>> from sksmooth import Certificates
    >>> from sksmooth.metrics import abstention_rate
    >>> certificates = Certificates(
    ...     label=[0, 1], radius=[0.5, 0.0], abstained=[False, True],
    ...     p_lower=[0.9, 0.4], counts=[[99, 1], [45, 55]], n_evaluations=[110, 110],
    ...     classes=[0, 1], sigma=0.25, noise="gaussian", norm=2, alpha=0.001,
    ...     method="monte_carlo")
    >>> abstention_rate([0, 1], certificates)
    0.5
    """
    check_average(average)
    tally = _tally(
        lambda y_true: certificates.abstained,
        y_true,
        certificates,
        labels,
        sample_weight,
        higher_is_better=False,
    )
    return _average(tally, average)
