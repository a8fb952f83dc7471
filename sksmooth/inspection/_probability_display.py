# SPDX-License-Identifier: BSD-3-Clause
"""How sure the votes are of the right class, as a distribution for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sksmooth.certificates import Certificates, require_known
from sksmooth.inspection._certified_accuracy_display import base_name
from sksmooth.inspection._display import _DisplayBase
from sksmooth.inspection._drawing import (
    OVERALL,
    class_handles,
    class_styles,
    legend_beside,
)
from sksmooth.metrics._scorers import _find_smoothed
from sksmooth.metrics._scores import check_rows, is_right, known_index
from sksmooth.shrinkage._smoothed_copy import true_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ProbabilityDisplay(_DisplayBase):
    """Share of each class whose right label has at least a given probability.

    A curve for each class shows, over p, the share of its samples that are right and
    whose label has a probability of at least p under noise, as far as the votes prove
    (`p_lower`). A sample that is wrong or abstained has none. The curve of a class that
    is lost by smoothing lies at 0.

    A single mean hides that. The average certified radius grows without bound as p
    tends to 1, so a few samples with p near 1 outweigh many that are lost [1]_: a
    classifier that predicts one of ten classes everywhere can have a larger one than a
    classifier that predicts all ten. Choose by the worst class, or look at all curves.

    Make one with `from_estimator` or `from_certificates`. Of more than 5 classes all
    but the best and the worst are gray.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes.
    index : ndarray of int of shape (n_samples,)
        Position of the class of each sample.
    probability : ndarray of shape (n_samples,)
        Lower bound on the probability of the right label under noise; 0 where the
        sample is wrong or abstained.
    sigma : float, default=nan
        Standard deviation of the noise, for the title.
    name : str, default=None
        Name of the classifier, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : dict of class to matplotlib Line2D
        The curves of the classes with samples.
    overall_ : matplotlib Line2D
        The curve of all samples.
    legend_ : matplotlib Legend or None

    See Also
    --------
    CertifiedAccuracyDisplay : The same over radii.

    References
    ----------
    .. [1] C. Sun, Y. Mao, M. N. Müller, M. Vechev, "Average Certified Radius is a Poor
       Metric for Randomized Smoothing", ICML 2025.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth import SmoothedClassifier
    >>> from sksmooth.inspection import ProbabilityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SmoothedClassifier(KNeighborsClassifier(), sigma=0.5, random_state=0)
    >>> display = ProbabilityDisplay.from_estimator(clf.fit(X, y), X[::5], y[::5])
    >>> [int(label) for label in display.lines_]
    [0, 1, 2]
    """

    def __init__(
        self,
        *,
        classes: NDArray[Any],
        index: NDArray[np.integer],
        probability: NDArray[np.float64],
        sigma: float = np.nan,
        name: str | None = None,
    ) -> None:
        self.classes = classes
        self.index = index
        self.probability = probability
        self.sigma = sigma
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        name: str | None = None,
        ax: Axes | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        despine: bool = False,
    ) -> Self:
        """Certify samples and draw the probabilities of their right labels.

        Parameters
        ----------
        estimator : fitted SmoothedClassifier
            Bare, at the end of a Pipeline, or found by a search.
        X : array-like of shape (n_samples, n_features, ...)
            Samples, best ones that `estimator` was not fitted on.
        y : array-like of shape (n_samples,)
            Their true labels.
        name : str, default=None
            Name for the title. None takes the name of the base classifier.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels or None, default=None
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        despine : bool, default=False
            Take the top and right spines off.

        Returns
        -------
        display : ProbabilityDisplay

        Raises
        ------
        TypeError
            If `estimator` holds no smoothed classifier.
        ValueError
            If a label is not among its classes, or there is not one for each sample.
        """
        smoothed, rows = _find_smoothed(estimator, X)
        check_is_fitted(smoothed)
        true_classes(y, rows, smoothed.classes_)  # before anything is computed
        return cls.from_certificates(
            y,
            smoothed.certify(rows),
            name=base_name(smoothed) if name is None else name,
            ax=ax,
            classes=classes,
            legend=legend,
            despine=despine,
        )

    @classmethod
    def from_certificates(
        cls,
        y_true: ArrayLike,
        certificates: Certificates,
        *,
        name: str | None = None,
        ax: Axes | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        despine: bool = False,
    ) -> Self:
        """Draw samples that were certified before.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        certificates : Certificates
            Of the same samples, from ``certify(X)``.
        name : str, default=None
            Name for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels or None, default=None
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        despine : bool, default=False
            Take the top and right spines off.

        Returns
        -------
        display : ProbabilityDisplay

        Raises
        ------
        ValueError
            If a label is not known to the certificates, lengths differ, or the
            certificates were made for given radii, whose votes stop at a bound that
            says little of the probability.
        """
        y_true = check_rows(y_true, certificates)
        if certificates.radii is not None:
            raise ValueError(
                f"the certificates were made for radii={certificates.radii}; their "
                "p_lower is only what these radii took. Use certify(X) without radii."
            )
        right = is_right(y_true, certificates) & ~certificates.abstained
        return cls(
            classes=certificates.classes,
            index=known_index(y_true, certificates),
            probability=np.where(right, certificates.p_lower, 0.0),
            sigma=certificates.sigma,
            name=name,
        ).plot(ax, classes=classes, legend=legend, despine=despine)

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, y_pred: Certificates, **keywords: Any
    ) -> Self:
        """Draw what `certify` returned: the same as `from_certificates`.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : Certificates
            Of the same samples, from ``certify(X)``; labels alone do not have the
            probabilities.
        **keywords : dict
            As in `from_certificates`.

        Returns
        -------
        display : ProbabilityDisplay

        Raises
        ------
        TypeError
            If `y_pred` are no certificates.
        """
        return cls.from_certificates(y_true, y_pred, **keywords)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        despine: bool = False,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        name : str, default=None
            Name for the title. None takes the attribute `name`.
        classes : array-like of labels or None, default=None
            Classes to draw beside the overall curve. None draws all.
        legend : bool, default=True
            Draw the legend.
        despine : bool, default=False
            Take the top and right spines off.

        Returns
        -------
        self : ProbabilityDisplay
            The display, drawn.
        """
        self._check_looks(name, despine, legend)
        order = self._order(classes)
        ax = self._open(ax)
        styles = class_styles(len(self.classes), order)
        self.lines_ = {}
        for at in sorted(order):
            label = self.classes[at].item()
            (self.lines_[label],) = ax.step(
                *survival(self.probability[self.index == at]),
                where="pre",
                label=str(label),
                **styles[at],
            )
        (self.overall_,) = ax.step(
            *survival(self.probability), where="pre", label="overall", **OVERALL
        )
        ax.grid(alpha=0.3)
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1.01)
        ax.set_xlabel("p: probability of the label under noise, lower bound")
        ax.set_ylabel("share right, with probability p or more")
        lines = [self.lines_[self.classes[at].item()] for at in order]
        handles = [self.overall_, *class_handles(lines)]
        title = "class, highest to\nlowest mean of p"
        self.legend_ = legend_beside(ax, handles, title) if legend else None
        return self._close(
            ax,
            despine=despine,
            title=self._title(name, self.sigma),
            beside=[self.legend_],
        )

    def _order(self, classes):
        """Positions of the classes to draw, by decreasing mean probability."""
        n_classes = len(self.classes)
        support = np.bincount(self.index, minlength=n_classes)
        total = np.bincount(self.index, self.probability, minlength=n_classes)
        order = np.argsort(-total / np.maximum(support, 1), kind="stable")
        order = order[support[order] > 0]
        if classes is not None:
            wanted = require_known(classes, self.classes, "classes")
            order = order[np.isin(order, wanted)]
        return order.tolist()


def survival(values):
    """Points of a curve: for each x in [0, 1], the share of values of x or more.

    Values of 0 stand for samples that have none, and count for no x, not even 0. Drawn
    as steps that hold up to their point.
    """
    positive = np.sort(values[values > 0])
    x, first = np.unique(positive, return_index=True)
    share = (len(positive) - first) / len(values)
    start = len(positive) / len(values)
    return np.concatenate([[0.0], x, [1.0]]), np.concatenate([[start], share, [0.0]])
