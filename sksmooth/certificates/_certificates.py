# SPDX-License-Identifier: BSD-3-Clause
"""What `certify` returns: one certificate per sample, as plain arrays."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._messages import listed
from sksmooth.bounds import check_alpha
from sksmooth.certificates._delta import (
    changes_of,
    check_row_labels,
    in_units,
    size_of,
)
from sksmooth.certificates._html import certificates_html
from sksmooth.certificates._labels import refuse_masked
from sksmooth.certificates._radius_against import (
    against_all_copies,
    against_kept_votes,
    against_probabilities,
)
from sksmooth.certificates._vote_weights import resolve_vote_weights

if TYPE_CHECKING:
    import pandas as pd


# So many are checked one by one in less time than as an array.
_FEW = 32


def class_index(values, classes):
    """Position of each value in `classes`, -1 where it is none of them.

    Values of another kind are compared by hash, not by `numpy`: the number 1 must not
    match the string "1".
    """
    values, classes = np.asarray(values), np.asarray(classes)
    kind = classes.dtype.kind
    is_plain = len(classes) and kind in "iuU" and values.dtype.kind == kind
    if is_plain and len(values) + len(classes) > _FEW:
        order = np.argsort(classes)
        place = np.searchsorted(classes, values, sorter=order)
        found = order[np.minimum(place, len(classes) - 1)]
        return np.where(classes[found] == values, found, -1)
    position = {label: i for i, label in enumerate(classes.tolist())}
    return np.array([position.get(value, -1) for value in values.tolist()], np.intp)


def check_radius(radius, name="radius"):
    """Return `radius` as a float; it must be a finite number >= 0."""
    if type(radius) is float and 0 <= radius < np.inf:
        return radius
    if not isinstance(radius, numbers.Real) or isinstance(radius, (bool, np.bool_)):
        raise TypeError(
            f"{name} must be one number, got {radius!r} of type "
            f"{type(radius).__name__}."
        )
    try:
        value = float(radius)
    except OverflowError:  # a whole number beyond floating point
        value = np.inf
    if not 0 <= value < np.inf:  # also refuses nan
        raise ValueError(f"{name} must be finite and >= 0, got {radius!r:.40}.")
    return value


def check_radii(radii, name="radii"):
    """Return `radii` as a tuple of distinct floats; at least one, each >= 0."""
    refuse_masked(radii, name)
    texts = (str, bytes, bytearray)
    if isinstance(radii, (*texts, numbers.Number)) or not np.iterable(radii):
        raise TypeError(
            f"{name} must be a sequence of numbers such as (0.0, 0.25), got {radii!r}."
        )
    is_float64 = isinstance(radii, np.ndarray) and radii.dtype == np.float64
    checked = tuple(radii.tolist() if is_float64 else radii)
    values = None
    # Thousands of them would take as long as their votes one by one.
    if len(checked) > _FEW and set(map(type, checked)) == {float}:
        values = np.array(checked)
    if values is None or not np.all((values >= 0) & (values < np.inf)):
        checked = tuple(check_radius(radius, f"each of {name}") for radius in checked)
    if not checked:
        raise ValueError(f"{name} is empty; give at least one radius, e.g. (0.0,).")
    if len(set(checked)) < len(checked):
        raise ValueError(f"{name} must be distinct, got {listed(checked)}.")
    return checked


def _integer_dtype(values, at_least):
    """Return the first of `at_least`, int8, ..., int64 that holds all `values`.

    Not np.result_type: it turns uint64 with a negative number into float64.
    """
    for dtype in (at_least, *map(np.dtype, (np.int8, np.int16, np.int32, np.int64))):
        if dtype.kind == "b":
            continue
        limits = np.iinfo(dtype)
        if limits.min <= min(values) and max(values) <= limits.max:
            return dtype
    raise ValueError(
        f"abstain_label={values[0]!r} and the classes {values[1:]} fit no integer "
        "dtype together; give another abstain_label."
    )


def require_certificates(value):
    """Raise unless `value` is what `certify` returns."""
    if isinstance(value, Certificates):
        return
    found, hint = type(value).__name__, ""
    if isinstance(value, (str, PathLike)):
        hint = " Read a log with certificates, y_true = read_certificates(path)."
    elif isinstance(value, tuple) and any(isinstance(v, Certificates) for v in value):
        hint = " read_certificates returns a pair: give its first part."
    raise TypeError(
        "certificates must be what SmoothedClassifier.certify returns, got "
        f"{found}.{hint}"
    )


class CertifyInterrupted(KeyboardInterrupt):
    """A keyboard interrupt of `certify`; what was finished is not lost.

    Attributes
    ----------
    certificates : Certificates
        Of the first samples, as many as were finished.
    """

    def __init__(self, certificates: Certificates) -> None:
        super().__init__(
            f"interrupted after {len(certificates)} samples, whose certificates are in "
            "the attribute `certificates` of this exception"
        )
        self.certificates = certificates


def _same(a, b):
    unknown = isinstance(a, float) and isinstance(b, float) and a != a and b != b
    return unknown or np.array_equal(a, b)


def _same_frontier(a, b):
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b, equal_nan=True)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Certificates:
    """Certified labels and radii, as `SmoothedClassifier.certify` returns them.

    For each sample that is not abstained, with probability at least ``1 - alpha`` over
    the noise, `label` is the smoothed classifier's prediction and the same within
    `radius` of the sample. Radii are in the units of the X given to `certify`.

    Immutable: all arrays are copied and read-only. Two objects are equal if all their
    fields are; like arrays, they are not hashable.

    Parameters
    ----------
    label : array-like of shape (n_samples,)
        Label of each sample, always a member of `classes`, also where abstained.
    radius : array-like of shape (n_samples,)
        Certified radius, finite and >= 0, exactly 0.0 where abstained.
    abstained : array-like of bool of shape (n_samples,)
        True where nothing was certified. The label is then only the leader of the
        votes.
    p_lower : array-like of shape (n_samples,)
        Lower confidence bound on the probability of `label` under noise.
    counts : array-like of int of shape (n_samples, n_classes)
        Votes of the estimate for each class; zeros where no votes were drawn.
    n_evaluations : array-like of int of shape (n_samples,)
        Calls of the base classifier spent on each sample, the pilot included.
    classes : array-like of shape (n_classes,)
        The labels of the classifier, in the order of the columns of `counts`.
    sigma : float
        Scale of the noise, in the units of X; nan if a published file does not say.
    noise : str
        Name of the noise's law, such as "gaussian".
    norm : float
        Order of the norm that radii are measured in; 2 for Gaussian noise. 0 where
        they count changed categories, or added and deleted words.
    alpha : float
        Probability, per sample, that a certificate may be wrong; nan if a published
        file does not say.
    method : str
        How the certificates were obtained: "monte_carlo" or "exact".
    radii : tuple of float or None, default=None
        The radii that were requested, ``certify(X, radii=...)``; `radius` is then the
        largest of them that was shown to hold, a lower bound. None if the radius
        itself was estimated.
    slack : float, default=0.0
        What was taken off each radius so that it also holds between the points of the
        grid that noise is drawn on.
    scale : tuple of float of shape (n_features,) or None, default=None
        Unit of each feature: radii are in norms of ``delta / scale``, and features of
        scale 0 are held fixed. None is 1 for all features.
    features : tuple of str or None, default=None
        Names of the features, where `X` has names. Certificates are compared without
        them.
    denoiser : str or None, default=None
        The denoiser in front of the base classifier; it is part of what is certified.
    index : array-like of shape (n_samples,) or None, default=None
        Labels of the samples, where `X` is a DataFrame of pandas. Certificates are
        compared without them.
    law : dict or None, default=None
        What else defines the law of the noise.
    vote_weights : tuple of float of shape (n_classes,) or None, default=None
        Weights of the classes in the vote, relative to the largest; None is the plain
        vote.
    p_upper : array-like of shape (n_samples, n_classes) or None, default=None
        Upper bounds on the probabilities of all classes under noise, where a closed
        form gave them. Logs do not keep them, and certificates are compared without
        them.
    frontier : array-like of shape (n_samples, n_changes) or None, default=None
        Radii while at most 0, 1, 2, ... categories change, ``certify(X, changes=...)``;
        nan where nothing is shown. Where words are deleted, how many words may be added
        while at most 0, 1, 2, ... others are taken out. None if it was not
        requested.

    Raises
    ------
    ValueError
        If a field contradicts the others or its range; the message names it.
    TypeError
        If a field has the wrong type.

    Examples
    --------
    >>> from sksmooth import Certificates
    >>> certificates = Certificates(
    ...     label=["cat", "dog", "dog"], radius=[0.3, 0.1, 0.0],
    ...     abstained=[False, False, True], p_lower=[0.9, 0.7, 0.4],
    ...     counts=[[95, 5], [20, 80], [45, 55]], n_evaluations=[110, 110, 110],
    ...     classes=["cat", "dog"], sigma=0.25, noise="gaussian", norm=2,
    ...     alpha=0.001, method="monte_carlo")
    >>> certificates.holds(0.2)
    array([ True, False, False])
    >>> certificates.to_labels()
    array(['cat', 'dog', 'abstain'], dtype='<U7')
    >>> len(certificates[~certificates.abstained])
    2
    """

    label: np.ndarray
    radius: np.ndarray
    abstained: np.ndarray
    p_lower: np.ndarray
    counts: np.ndarray
    n_evaluations: np.ndarray
    classes: np.ndarray
    sigma: float
    noise: str
    norm: float
    alpha: float
    method: str
    radii: tuple[float, ...] | None = None
    slack: float = 0.0
    scale: tuple[float, ...] | None = None
    features: tuple[str, ...] | None = None
    denoiser: str | None = None
    index: np.ndarray | None = None
    law: dict[str, Any] | None = None
    vote_weights: tuple[float, ...] | None = None
    p_upper: np.ndarray | None = None
    frontier: np.ndarray | None = None

    if TYPE_CHECKING:
        # What the fields may be given as; above is what they become.
        def __init__(
            self,
            label: ArrayLike,
            radius: ArrayLike,
            abstained: ArrayLike,
            p_lower: ArrayLike,
            counts: ArrayLike,
            n_evaluations: ArrayLike,
            classes: ArrayLike,
            sigma: float,
            noise: str,
            norm: float,
            alpha: float,
            method: str,
            radii: Sequence[float] | None = None,
            slack: float = 0.0,
            scale: Sequence[float] | None = None,
            features: Sequence[str] | None = None,
            denoiser: str | None = None,
            index: ArrayLike | None = None,
            law: dict[str, Any] | None = None,
            vote_weights: Sequence[float] | None = None,
            p_upper: ArrayLike | None = None,
            frontier: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self):
        classes = np.array(self.classes)
        if classes.ndim != 1 or len(classes) == 0:
            raise ValueError(
                f"classes must be a 1-d array of at least one label, got shape "
                f"{classes.shape}."
            )
        if len(set(classes.tolist())) < len(classes):
            raise ValueError(f"classes must be distinct, got {listed(classes)}.")

        label = np.asarray(self.label)
        if label.ndim != 1:
            raise ValueError(f"label must be 1-d, got shape {label.shape}.")
        n_rows = len(label)
        index = class_index(label, classes)
        if (index < 0).any():
            raise ValueError(
                f"label holds {listed(np.unique(label[index < 0]))}, which are not "
                f"among classes {listed(classes)}; mark abstentions in `abstained`."
            )

        radius = self._numbers("radius", (n_rows,), np.float64)
        abstained = np.asarray(self.abstained)
        if abstained.dtype != bool and abstained.size > 0:
            raise TypeError(f"abstained must be bool, got dtype {abstained.dtype}.")
        abstained = abstained.astype(bool)
        if abstained.shape != (n_rows,):
            raise ValueError(
                f"abstained must have shape {(n_rows,)} as label has, got "
                f"{abstained.shape}."
            )
        p_lower = self._numbers("p_lower", (n_rows,), np.float64)
        counts = self._numbers("counts", (n_rows, len(classes)), np.int64)
        n_evaluations = self._numbers("n_evaluations", (n_rows,), np.int64)
        if (p_lower > 1).any():
            raise ValueError(f"p_lower must be at most 1, got {p_lower.max()!r}.")
        if (radius[abstained] != 0).any():
            raise ValueError(
                f"radius must be 0.0 where abstained, got {radius[abstained].max()!r}."
            )

        for name in ("sigma", "norm", "alpha", "slack"):
            value = getattr(self, name)
            if type(value) is not float and not isinstance(value, numbers.Real):
                raise TypeError(f"{name} must be a number, got {value!r}.")
        if self.sigma <= 0 or self.sigma == np.inf:
            raise ValueError(f"sigma must be finite and > 0, got {self.sigma!r}.")
        if not (self.norm >= 1 or self.norm == 0):
            raise ValueError(f"norm must be 0, or >= 1, got {self.norm!r}.")
        if self.alpha < 0 or self.alpha >= 1:
            raise ValueError(f"alpha must lie in [0, 1), got {self.alpha!r}.")
        for name in ("noise", "method"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a str, got {getattr(self, name)!r}.")
        radii = None if self.radii is None else check_radii(self.radii)

        arrays = {
            "label": classes[index],  # in the dtype of classes
            "radius": radius,
            "abstained": abstained,
            "p_lower": p_lower,
            "counts": counts,
            "n_evaluations": n_evaluations,
            "classes": classes,
        }
        if self.p_upper is not None:
            shape = (n_rows, len(classes))
            arrays["p_upper"] = self._numbers("p_upper", shape, np.float64)
        for array in arrays.values():
            array.setflags(write=False)
        scalars = {
            **self._space(n_rows),
            "sigma": float(self.sigma),
            "alpha": float(self.alpha),
            "radii": radii,
            "slack": check_radius(self.slack, "slack"),
            "vote_weights": self._weights(classes),
        }
        for name, value in {**arrays, **scalars}.items():
            object.__setattr__(self, name, value)

    def _weights(self, classes):
        """Weights of the vote as a tuple; None where all are the same."""
        weights = resolve_vote_weights(self.vote_weights, classes)
        return None if weights is None else tuple(weights.tolist())

    def _space(self, n_rows):
        """Check the fields that say what a radius is about."""
        scale, features, index = self.scale, self.features, self.index
        if scale is not None:
            scale = tuple(float(value) for value in scale)
            if not all(0 <= value < np.inf for value in scale) or not any(scale):
                raise ValueError(
                    f"scale must hold finite numbers >= 0, not all of them 0, got "
                    f"{scale}."
                )
        if features is not None:
            features = tuple(features)
            if scale is not None and len(features) != len(scale):
                raise ValueError(
                    f"features has {len(features)} names for {len(scale)} numbers in "
                    "scale."
                )
        if index is not None:
            index = np.array(index)
            if index.shape[:1] != (n_rows,):
                raise ValueError(
                    f"index must have {n_rows} labels as label has, got shape "
                    f"{index.shape}."
                )
            index.setflags(write=False)
        law = None if self.law is None else dict(self.law)
        return {
            "scale": scale,
            "features": features,
            "index": index,
            "law": law,
            "frontier": self._checked_frontier(n_rows),
        }

    def _checked_frontier(self, n_rows):
        if self.frontier is None:
            return None
        frontier = np.array(self.frontier)
        if frontier.dtype.kind not in "iuf":
            raise TypeError(f"frontier must be of float64, got dtype {frontier.dtype}.")
        frontier = frontier.astype(np.float64)
        if frontier.ndim != 2 or len(frontier) != n_rows or not frontier.shape[1]:
            raise ValueError(
                f"frontier must have shape ({n_rows}, n_changes) with a column for no "
                f"change and for each number of changes, got {frontier.shape}."
            )
        # What holds for more changes holds for fewer.
        steps = np.nan_to_num(frontier, nan=-1.0)
        if (
            (frontier < 0).any()
            or np.isinf(frontier).any()
            or (np.diff(steps, axis=1) > 0).any()
        ):
            raise ValueError(
                "frontier must hold finite radii >= 0, or nan, that do not increase "
                "from one number of changes to the next."
            )
        frontier.setflags(write=False)
        return frontier

    def _numbers(self, name, shape, dtype):
        """Return a copy of one numeric field: checked, finite and not negative."""
        array = np.asarray(getattr(self, name))
        kinds = "iuf" if dtype is np.float64 else "iu"
        if array.dtype.kind not in kinds and array.size > 0:
            raise TypeError(
                f"{name} must be of {np.dtype(dtype).name}, got dtype {array.dtype}."
            )
        # A row axis of length 0 may come as a plain [].
        if array.size == 0 and 0 in shape:
            array = array.reshape(shape)
        if array.shape != shape:
            raise ValueError(
                f"{name} must have shape {shape} to match label and classes, got "
                f"{array.shape}."
            )
        array = array.astype(dtype)
        if array.size <= _FEW:
            is_good = all(0 <= value < np.inf for value in array.ravel().tolist())
        else:
            is_good = array.min() >= 0 and array.max() < np.inf  # nan is neither
        if not is_good:
            bad = ~((array >= 0) & (array < np.inf))
            raise ValueError(
                f"{name} must be finite and >= 0, got {array[bad][0].item()!r}."
            )
        return array

    def holds(self, radius: float, changes: int = 0) -> NDArray[np.bool_]:
        """Tell for each sample whether its label is certified within `radius`.

        Parameters
        ----------
        radius : float
            Radius >= 0, in the units of X. At 0.0 it tells whether the
            label is certified at all.
        changes : int, default=0
            How many categories may change as well; see `frontier`.

        Returns
        -------
        holds : ndarray of bool of shape (n_samples,)
            False means "not shown". In particular, if the certificates were made for
            given `radii` only, nothing above the largest of them is ever shown.

        Raises
        ------
        ValueError
            If `radius` is negative, infinite or nan, or if `frontier` has no column for
            so many `changes`.
        """
        radius = check_radius(radius)
        is_number = isinstance(changes, numbers.Integral)
        if not is_number or isinstance(changes, bool) or changes < 0:
            raise ValueError(
                f"changes={changes!r:.40} must be a whole number, zero or more."
            )
        return ~self.abstained & (self._radius_beside(int(changes)) >= radius)

    def _radius_beside(self, changes):
        """Radius while so many categories change; nan where nothing is shown."""
        if changes == 0:
            return self.radius
        if self.frontier is None or changes >= self.frontier.shape[1]:
            raise ValueError(
                f"changes={changes!r:.40} was not requested: use certify(X, changes="
                "[...]) with this number among them, under noise=Resample(...) or "
                "TokenDeletion(...)."
            )
        return self.frontier[:, changes]

    def holds_for(self, delta: ArrayLike | Mapping[Any, float]) -> NDArray[np.bool_]:
        """Tell for each sample whether its label is certified under a given change.

        Parameters
        ----------
        delta : dict {feature: change}, Series, DataFrame or array-like of shape \
                (n_features,) or (n_samples, n_features)
            Change of each feature, in its own units; one for all samples or one for
            each. A Series and a DataFrame are read by their names, as a dict is.
            Features that are left out do not change, and those that are held fixed must
            not. Of a category, any number but 0 stands for a change.

        Returns
        -------
        holds : ndarray of bool of shape (n_samples,)
            False means "not shown".

        Raises
        ------
        ValueError
            If `delta` has the wrong shape or another order of samples, is not finite,
            names an unknown feature, changes a feature that is held fixed, or more
            categories than `frontier` has columns for; if the certificates are about
            whole multiples of the units only, as those of splitting noise on whole
            numbers, and it is none.
        """
        delta = changes_of(
            delta, self._n_features(), len(self), self._position, self.index
        )
        if self.scale is not None:
            scale = np.array(self.scale)
            fixed = scale == 0
            if np.any(delta[..., fixed]):
                raise ValueError(
                    "delta changes the features "
                    f"{[self._feature(j) for j in np.flatnonzero(fixed)]}, of which "
                    "some are held fixed: the certificates say nothing of such changes."
                )
            delta = in_units(delta, np.where(fixed, 1.0, scale))
        if (self.law or {}).get("whole"):
            steps = np.rint(delta)
            if np.any(np.abs(delta - steps) > 1e-9 * (1 + np.abs(steps))):
                raise ValueError(
                    "delta has changes by parts of a unit, and these certificates "
                    "speak of samples that are whole multiples of their units only: "
                    "give whole multiples of feature_scale, or of 1 without it."
                )
            delta = steps
        return ~self.abstained & self._covers(delta)

    def _categorical(self):
        """Positions of the features whose categories are drawn anew."""
        cardinalities = (self.law or {}).get("cardinalities", ())
        noisy = np.flatnonzero(() if self.scale is None else self.scale)
        return [int(at) for at, n in zip(noisy, cardinalities, strict=False) if n > 0]

    def _covers(self, delta):
        """Whether changes, in units of the scale, are within what is certified."""
        if self.noise == "token_deletion":
            return self.radius >= np.abs(delta).sum(axis=-1)
        if self.norm == 0:
            return self.radius >= np.count_nonzero(delta, axis=-1)
        categorical = self._categorical()
        changes = np.count_nonzero(delta[..., categorical], axis=-1)
        radius = self.radius
        if changes.any():
            every = np.broadcast_to(changes, len(self))
            by_changes = [self._radius_beside(k) for k in range(changes.max() + 1)]
            radius = np.stack(by_changes)[every, np.arange(len(self))]
            delta = np.delete(delta, categorical, axis=-1)
        return radius >= size_of(delta, self.norm)

    def radius_against(
        self,
        classes: ArrayLike,
        *,
        alpha: float | None = None,
        vote_weights: Mapping[Any, float] | ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """Return the radius within which a sample becomes none of some classes.

        Errors do not cost the same: an 8 that is read as a 3 may be worse than one that
        is read as a 9. The votes of a certificate prove more against some classes than
        against all, and often something for samples that abstained [1]_.

        Parameters
        ----------
        classes : array-like of shape (n_some,)
            Classes that a sample must not become.
        alpha : float, default=None
            Error probability of each radius; None is that of the certificates.
        vote_weights : dict, array-like or None, default=None
            Weights of the classifier that is meant, as in `SmoothedClassifier`; None
            takes those of the certificates, ``{}`` is the plain vote.

        Returns
        -------
        radius : ndarray of shape (n_samples,)
            For each sample, with probability at least ``1 - alpha`` over the noise, the
            smoothed classifier predicts none of `classes` within this radius. 0.0 where
            nothing is proved; in particular where the label is one of them. Where
            categories or words may change, it holds while none of them does, if radii
            are those of numbers beside them, and is a number of changes otherwise.

        Raises
        ------
        ValueError
            If `classes` is empty, or holds a class that is unknown or all classes; if
            `alpha` or `vote_weights` is invalid; or if they are given and there are no
            votes that could prove something new, see `recertify`.

        Notes
        -----
        Let A be the label, which the pilot chose independently of the votes, and p_A
        its probability. A lower bound of p_A at ``alpha / 2`` and an upper bound of p_c
        at ``alpha / 2`` for each class c of the set give a radius within which A stays
        ahead of c; the smallest of them is the result. Of the classes, the one that
        truly limits the radius is fixed, so only its bound has to hold: ``alpha``
        covers any number of classes. Against all classes but A it is `radius`, if that
        was certified with ``bound="multiclass"``.

        Closed forms know the probabilities, and need no alpha; of certificates that
        were read from a log only that of the label is left, and the result is smaller
        or the same. Where votes were drawn for given `radii`, or where a published file
        keeps none, nothing more is known than that the label does not change: the
        result is `radius`.

        Fix the classes before you look: the best of several radii at `alpha` each is
        not one at `alpha`.

        References
        ----------
        .. [1] X. Zhang, D. Evans, "Cost-Sensitive Robustness against Adversarial
           Examples", ICLR 2019.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from sksmooth import SmoothedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = SmoothedClassifier(KNeighborsClassifier(), sigma=0.5, random_state=0)
        >>> certificates = clf.fit(X, y).certify(X[50:55])  # of class 1, near class 2
        >>> bool((certificates.radius_against([0]) > certificates.radius).all())
        True
        """
        against = self._some_classes(classes)
        weights = self.vote_weights if vote_weights is None else vote_weights
        weights = resolve_vote_weights(weights, self.classes)
        same = weights is None and self.vote_weights is None
        if weights is not None and self.vote_weights is not None:
            same = np.array_equal(weights, self.vote_weights)
        weights = np.ones(len(self.classes)) if weights is None else weights

        label = class_index(self.label, self.classes)
        # What is certified holds against every other class.
        radius = self.radius.copy()
        if self.method == "exact":
            if alpha is not None:
                raise ValueError(
                    f"alpha={alpha!r}, but these certificates are exact and have no "
                    "error probability. Use alpha=None."
                )
            proved = np.zeros(len(self))
            counted = self.counts.any(axis=1)
            for rows, prove in (
                (counted, against_all_copies),
                (~counted, against_probabilities),
            ):
                rows = np.flatnonzero(rows & ~np.isin(label, against))
                if rows.size:
                    proved[rows] = prove(self[rows], label[rows], against, weights)
            radius = np.maximum(radius, proved) if same else np.maximum(proved, 0.0)
        elif self.radii is None and (self.n_evaluations > 0).all():
            alpha = check_alpha(self.alpha if alpha is None else alpha)
            radius = np.zeros(len(self))
            rows = np.flatnonzero(self.counts.any(axis=1) & ~np.isin(label, against))
            if rows.size:
                proved = against_kept_votes(
                    self[rows], label[rows], against, weights, alpha
                )
                radius[rows] = np.maximum(proved - self.slack, 0.0)
        elif not same or (alpha is not None and alpha != self.alpha):
            raise ValueError(
                "the certificates hold no votes that could prove something at another "
                "alpha or with other vote_weights. Leave both None, or certify without "
                "radii."
            )
        radius[np.isin(label, against)] = 0.0
        return radius

    def _some_classes(self, classes):
        """Positions of the classes of a set, which must leave some out."""
        given, known = np.asarray(classes), self.classes
        if given.ndim != 1 or not len(given):
            raise ValueError(
                f"classes={given.tolist()!r} must be a list of at least one class."
            )
        positions = np.unique(class_index(given, known))
        if positions[0] < 0:
            unknown = given[class_index(given, known) < 0].tolist()
            raise ValueError(
                f"classes holds the classes {listed(unknown)}, which the classifier "
                f"does not know: its classes are {listed(known)}."
            )
        if len(positions) == len(known):
            raise ValueError(
                f"classes={given.tolist()!r} are all classes: one of them is predicted "
                "everywhere. Leave out those that a sample may become."
            )
        return positions

    def feature_radius(self, feature: str | int) -> NDArray[np.float64]:
        """Return how far one feature alone may move, in its own units.

        Parameters
        ----------
        feature : str or int
            Name or position of the feature.

        Returns
        -------
        radius : ndarray of shape (n_samples,)
            0.0 where abstained, and everywhere for a feature that is held fixed.

        Raises
        ------
        ValueError
            If there is no such feature.
        """
        position = self._position(feature)
        if self.norm == 0 or position in self._categorical():
            raise ValueError(
                f"feature={feature!r} takes no noise of numbers, so it has no radius; "
                "see `holds` with `changes`."
            )
        unit = 1.0 if self.scale is None else self.scale[position]
        return np.maximum(np.nextafter(self.radius * unit, -np.inf), 0.0)

    def _position(self, feature):
        """Position of a feature that is given by its name or its position."""
        n_features = self._n_features()
        if self.features is not None and isinstance(feature, str):
            if feature in self.features:
                return self.features.index(feature)
        elif isinstance(feature, numbers.Integral) and not isinstance(feature, bool):
            first = 0 if n_features is None else -n_features
            if first <= feature < (np.inf if n_features is None else n_features):
                return int(feature) % n_features if n_features else int(feature)
        known = list(self.features or range(n_features or 0))
        what = listed(known) if known else "given by positions"
        raise ValueError(f"feature={feature!r} is none of the features {what}.")

    def _n_features(self):
        """Number of features of a sample, or None where a published log keeps none."""
        if self.scale is not None or self.features is not None:
            return len(self.scale or self.features)
        return (self.law or {}).get("n_features")

    def _feature(self, position):
        return int(position) if self.features is None else self.features[position]

    def to_labels(self, abstain_label: Any = None) -> NDArray[Any]:
        """Return the labels with abstentions written as a label of their own.

        For metrics that have no notion of abstention: `sklearn.metrics` then counts an
        abstention as a wrong prediction.

        Parameters
        ----------
        abstain_label : int, float or str, default=None
            Label for abstained samples, of the same kind as the classes and not one of
            them. None chooses: "abstain" for strings; for numbers -1, or the smallest
            class less 1 where -1 is taken. Bool classes become the integers 0 and 1,
            and abstentions -1: a third truth value does not exist.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Its dtype is wide enough for the classes and `abstain_label`.

        Raises
        ------
        ValueError
            If `abstain_label` is one of the classes, or not of their kind.
        """
        known = self.classes.tolist()
        kind: Any
        if all(isinstance(c, str) for c in known):
            kind, kind_name = str, "a str"
            default = "abstain"
        elif all(isinstance(c, numbers.Integral) for c in known):
            kind, kind_name = numbers.Integral, "an int"
            default = -1 if -1 not in known else int(min(known)) - 1
        elif all(isinstance(c, numbers.Real) for c in known):
            kind, kind_name = numbers.Real, "a finite number"
            default = -1.0 if -1 not in known else float(np.floor(min(known))) - 1.0
        else:
            kind, kind_name = object, "a label"
            default = None
        if abstain_label is None:
            abstain_label = default
        if not isinstance(abstain_label, kind) or abstain_label is None:
            raise ValueError(
                f"abstain_label must be {kind_name} as the classes {listed(known)} "
                f"are, got {abstain_label!r}."
            )
        if abstain_label in known:
            raise ValueError(
                f"abstain_label={abstain_label!r} is one of the classes "
                f"{listed(known)}; give a value that is not."
            )
        if kind is numbers.Real and not np.isfinite(abstain_label):
            raise ValueError(
                f"abstain_label must be finite, got {abstain_label!r}: metrics refuse "
                "nan and infinity."
            )
        dtype = self.classes.dtype
        if kind is numbers.Integral and dtype.kind in "biu":
            dtype = _integer_dtype([abstain_label, *known], at_least=dtype)
        elif dtype.kind != "O":
            dtype = np.result_type(dtype, np.asarray(abstain_label).dtype)
        labels = self.label.astype(dtype)
        labels[self.abstained] = abstain_label
        return labels

    def to_frame(self) -> pd.DataFrame:
        """Return one row of a pandas DataFrame per certificate.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `label`, `radius`, `abstained`, `p_lower`, `n_evaluations` and
            ``count_<class>`` for each class, and ``radius_changes_<k>`` for each column
            of `frontier`; the scalars are in ``frame.attrs``.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "Certificates.to_frame needs pandas: pip install pandas."
            ) from error
        columns = {
            name: getattr(self, name)
            for name in ("label", "radius", "abstained", "p_lower", "n_evaluations")
        }
        for label, votes in zip(self.classes.tolist(), self.counts.T, strict=True):
            columns[f"count_{label}"] = votes
        if self.frontier is not None:
            for k, radius in enumerate(self.frontier.T):
                columns[f"radius_changes_{k}"] = radius
        frame = pd.DataFrame(columns, index=self.index, copy=True)
        for name in ("sigma", "noise", "norm", "alpha", "method", "radii", "scale"):
            frame.attrs[name] = getattr(self, name)
        return frame

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: ArrayLike | slice) -> Certificates:
        """Return the certificates of some samples: a mask, slice, ints or one int."""
        if isinstance(rows, numbers.Integral) and not isinstance(
            rows, (bool, np.bool_)
        ):
            rows = [rows]
        if not isinstance(rows, slice):
            refuse_masked(rows, "the mask")
            given = rows
            rows = np.asarray(rows)
            if rows.size == 0:
                rows = rows.astype(np.intp)
            if rows.ndim != 1 or rows.dtype.kind not in "biu":
                raise TypeError(
                    "Certificates are indexed by a bool mask, a slice, an array of "
                    f"ints or an int, got an array of shape {rows.shape} and dtype "
                    f"{rows.dtype}."
                )
            if rows.dtype == bool and len(rows) != len(self):
                raise IndexError(
                    f"the mask has {len(rows)} entries for {len(self)} certificates."
                )
            if rows.dtype == bool:
                check_row_labels("the mask", given, self.index)
            elif rows.size:
                ends = int(rows.min()), int(rows.max())
                beyond = [at for at in ends if not -len(self) <= at < len(self)]
                if beyond:
                    raise IndexError(
                        f"sample {beyond[0]} is out of range for {len(self)} "
                        "certificates."
                    )
        by_row = ["label", "radius", "abstained", "p_lower", "counts", "n_evaluations"]
        optional = ("index", "p_upper", "frontier")
        by_row += [name for name in optional if getattr(self, name) is not None]
        return type(self)(
            **{
                field.name: getattr(self, field.name)[rows]
                if field.name in by_row
                else getattr(self, field.name)
                for field in fields(self)
            }
        )

    def __array__(self, *_, **__):
        raise TypeError(
            "Certificates are no array, and are not joined as arrays are; take a field "
            "of theirs, such as certificates.radius, or certificates.to_labels()."
        )

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)
            if field.name not in ("features", "index", "p_upper", "frontier")
        ) and _same_frontier(self.frontier, other.frontier)

    __hash__ = None  # type: ignore[assignment] # Python's way to say unhashable

    def __reduce__(self):
        # Through the constructor: what is unpickled is checked and read-only again.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def _repr_html_(self):
        return certificates_html(self)

    def __repr__(self):
        n_rows = len(self)
        parts = [f"n={n_rows}"]
        if n_rows:
            parts += [
                f"abstained={self.abstained.mean():.1%}",
                f"mean_radius={self.radius.mean():.4g}",
            ]
        law = self.law or {}
        parts += [f"sigma={self.sigma:g}"] if self.norm else []
        parts += [f"noise={self.noise!r}"]
        parts += [f"probability={p:g}" for p in [law.get("probability")] if p]
        parts += [
            f"alpha={self.alpha:g}",
            f"method={self.method!r}",
        ]
        if self.radii is not None:
            parts.append(f"radii={self.radii}")
        if self.norm != 2:
            parts.append(f"norm={self.norm:g}")
        if self.scale is not None:
            n_noisy = sum(value > 0 for value in self.scale)
            parts.append(f"noise on {n_noisy} of {len(self.scale)} features")
        if law.get("whole"):
            parts.append("whole steps")
        if self.frontier is not None:
            parts.append(f"changes={tuple(range(self.frontier.shape[1]))}")
        if self.denoiser is not None:
            parts.append(f"denoiser={self.denoiser}")
        return f"Certificates({', '.join(parts)})"
