# SPDX-License-Identifier: BSD-3-Clause
"""What smoothing costs each class: base against smoothed, abstention apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import column_or_1d

from sksmooth.certificates import (
    Certificates,
    check_radius,
    class_index,
    refuse_masked,
    require_known,
)
from sksmooth.inspection._certified_accuracy_display import base_name
from sksmooth.inspection._display import _DisplayBase
from sksmooth.inspection._drawing import legend_below
from sksmooth.metrics import ClassTally
from sksmooth.metrics._scorers import _find_smoothed
from sksmooth.metrics._scores import check_asked, check_rows, is_right, known_index
from sksmooth.shrinkage._smoothed_copy import base_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito: blue and orange are far apart for any kind of color vision.
_RIGHT, _UNSURE, _ABSTAINED, _BASE = "#0072B2", "#56B4E9", "#E69F00", "black"


class ClasswiseAccuracyDisplay(_DisplayBase):
    """Accuracy of each class, of the base classifier and of the smoothed one.

    A bar for each class holds the samples that are right (and certified within the
    radius), those that are right within a smaller radius only, and those that
    abstained; what is missing to 1 is wrong. A black tick is the accuracy of the base
    classifier. Classes are sorted by what smoothing costs them, the largest loss on
    top [1]_.

    Make one with `from_estimator`, `from_certificates` or `from_predictions`.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes.
    tallies : dict of str to ClassTally
        Samples of each class: "accuracy", those that are right and certified within
        `radius`; "closer", right and certified within less; "abstained", without a
        certificate; and "base_accuracy", those that the base classifier gets right
        without noise, if it is known.
    radius : float, default=0.0
        Radius, in the units of X.
    certified : bool, default=True
        False if `accuracy` is that of plain predictions.
    sigma : float, default=nan
        Standard deviation of the noise, for the title.
    name : str, default=None
        Name of the classifier, for the title.

    Attributes
    ----------
    support : ndarray of int of shape (n_classes,)
        Number of samples of each class.
    accuracy : ndarray of shape (n_classes,)
        Share of the samples of each class that are right and certified within
        `radius`; nan for a class without samples.
    closer, abstained : ndarray of shape (n_classes,)
        Share that is right and certified within less than `radius`; share that has no
        certificate.
    base_accuracy : ndarray of shape (n_classes,) or None
        Share that the base classifier gets right; None if it is not known.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    order_ : ndarray of int
        Positions in `classes` of the bars, from the top; a class without samples has
        none.
    bars_ : dict of str to matplotlib BarContainer
        The parts of the bars: "right", "closer", "abstained". The last bar of each is
        that of all samples.
    base_ : matplotlib artist or None
        The ticks of the base classifier.
    errorbar_ : matplotlib ErrorbarContainer
        95 % Clopper-Pearson intervals of `accuracy`: the test set is a random sample.
    text_ : list of matplotlib Text
        What smoothing changes for each class, in percentage points.
    legend_ : matplotlib Legend or None

    See Also
    --------
    sksmooth.metrics.classwise_report : The same as a table.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, section 6.

    Examples
    --------
    >>> from sksmooth.inspection import ClasswiseAccuracyDisplay
    >>> y = ["cat", "cat", "dog", "dog"]
    >>> display = ClasswiseAccuracyDisplay.from_predictions(
    ...     y, ["cat", "dog", "dog", "dog"], y_base=y)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['cat', 'dog', 'overall']
    """

    def __init__(
        self,
        *,
        classes: NDArray[Any],
        tallies: Mapping[str, ClassTally],
        radius: float = 0.0,
        certified: bool = True,
        sigma: float = np.nan,
        name: str | None = None,
    ) -> None:
        self.classes = classes
        self.tallies = tallies
        self.radius = radius
        self.certified = certified
        self.sigma = sigma
        self.name = name
        self.support = tallies["accuracy"].support
        self.accuracy = tallies["accuracy"].share
        self.closer = tallies["closer"].share
        self.abstained = tallies["abstained"].share
        base = tallies.get("base_accuracy")
        self.base_accuracy = None if base is None else base.share

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        radius: float = 0.0,
        name: str | None = None,
        ax: Axes | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        despine: bool = False,
    ) -> Self:
        """Certify samples, predict them with the base classifier, and draw both.

        Parameters
        ----------
        estimator : fitted SmoothedClassifier
            Bare, at the end of a Pipeline, or found by a search.
        X : array-like of shape (n_samples, n_features, ...)
            Samples, best ones that `estimator` was not fitted on.
        y : array-like of shape (n_samples,)
            Their true labels.
        radius : float, default=0.0
            Radius, in the units of the X that is smoothed.
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
        display : ClasswiseAccuracyDisplay

        Raises
        ------
        TypeError
            If `estimator` holds no smoothed classifier.
        """
        radius = check_radius(radius)
        smoothed, rows = _find_smoothed(estimator, X)
        return cls.from_certificates(
            y,
            smoothed.certify(rows, radii=sorted({0.0, radius})),
            y_base=base_labels(smoothed, rows),
            radius=radius,
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
        y_base: ArrayLike | None = None,
        radius: float = 0.0,
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
            True labels, all among ``certificates.classes``.
        certificates : Certificates
            What `SmoothedClassifier.certify` returned for the same samples.
        y_base : array-like of shape (n_samples,), default=None
            Predictions of the base classifier without noise. None draws no ticks, and
            sorts the classes by their accuracy.
        radius : float, default=0.0
            Radius, in the units of X. Certificates made for given radii can be drawn
            at those alone.
        name : str, default=None
            Name for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels or None, default=None
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        despine : bool, default=False
            As in `plot`.

        Returns
        -------
        display : ClasswiseAccuracyDisplay

        Raises
        ------
        ValueError
            If a label is not known to the certificates, lengths differ, or `radius`
            was not requested.
        """
        y_true = check_rows(y_true, certificates)
        known = certificates.classes
        index = known_index(y_true, certificates)
        radius = check_asked(certificates, radius)
        right = is_right(y_true, certificates) & ~certificates.abstained
        holds = right & certificates.holds(radius)
        masks = {
            "accuracy": holds,
            "closer": right & ~holds,
            "abstained": certificates.abstained,
        }
        if y_base is not None:
            y_base = check_rows(y_base, certificates, "y_base")
            masks["base_accuracy"] = (
                known_index(y_base, certificates, "y_base") == index
            )
        return cls._from_masks(
            index,
            known,
            masks,
            radius=radius,
            sigma=certificates.sigma,
            name=name,
        ).plot(ax, classes=classes, legend=legend, despine=despine)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        y_base: ArrayLike | None = None,
        radius: float = 0.0,
        name: str | None = None,
        ax: Axes | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        despine: bool = False,
    ) -> Self:
        """Draw the labels of `predict`: nothing is certified, none abstains.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,) or Certificates
            Labels that the smoothed classifier predicts. Certificates are drawn as by
            `from_certificates`.
        y_base : array-like of shape (n_samples,), default=None
            Predictions of the base classifier without noise.
        radius : float, default=0.0
            Radius of `from_certificates`; labels alone are certified within none.
        name : str, default=None
            Name for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels or None, default=None
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        despine : bool, default=False
            As in `plot`.

        Returns
        -------
        display : ClasswiseAccuracyDisplay

        Raises
        ------
        ValueError
            If lengths differ, there are no samples, or `radius` is positive and
            `y_pred` are no certificates.
        """
        if isinstance(y_pred, Certificates):
            return cls.from_certificates(
                y_true,
                y_pred,
                y_base=y_base,
                radius=radius,
                name=name,
                ax=ax,
                classes=classes,
                legend=legend,
                despine=despine,
            )
        if check_radius(radius) > 0:
            raise ValueError(
                f"radius={radius!r} needs y_pred to be the Certificates that certify "
                "returns; labels alone are certified within no radius."
            )
        for values, what in ((y_true, "y_true"), (y_pred, "y_pred")):
            refuse_masked(values, what)
        y_true = column_or_1d(y_true)
        answers = {"y_pred": column_or_1d(y_pred)}
        if y_base is not None:
            answers["y_base"] = column_or_1d(y_base)
        for name_, labels in answers.items():
            if len(labels) != len(y_true):
                raise ValueError(
                    f"{name_} has {len(labels)} samples and y_true {len(y_true)}; both "
                    "must describe the same samples."
                )
        if len(y_true) == 0:
            raise ValueError("y_true is empty; an accuracy needs at least one sample.")
        known = np.unique(y_true)
        index = class_index(y_true, known)
        right = {n: class_index(a, known) == index for n, a in answers.items()}
        none = np.zeros(len(y_true), dtype=bool)
        masks = {"accuracy": right["y_pred"], "closer": none, "abstained": none}
        if y_base is not None:
            masks["base_accuracy"] = right["y_base"]
        return cls._from_masks(
            index,
            known,
            masks,
            certified=False,
            name=name,
        ).plot(ax, classes=classes, legend=legend, despine=despine)

    @classmethod
    def _from_masks(cls, index, classes, masks, **params):
        tallies = {
            name: ClassTally.of(mask, index, len(classes))
            for name, mask in masks.items()
        }
        return cls(classes=classes, tallies=tallies, **params)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        despine: bool = False,
    ) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        name : str, default=None
            Name for the title. None takes the attribute `name`.
        classes : array-like of labels or None, default=None
            Classes to draw above the bar of all samples. None draws all.
        legend : bool, default=True
            Draw the legend.
        despine : bool, default=False
            Take the top and right spines off.

        Returns
        -------
        self : ClasswiseAccuracyDisplay
            The display, drawn.
        """
        self._check_looks(name, despine, legend)
        some = self.support > 0
        if classes is not None:
            wanted = require_known(classes, self.classes, "classes")
            some = some & np.isin(np.arange(len(self.classes)), wanted)
        ax = self._open(ax, figsize=(6.4, self._height(some.sum())))
        loss = (
            1.0 if self.base_accuracy is None else self.base_accuracy
        ) - self.accuracy
        some = np.flatnonzero(some)
        self.order_ = some[np.argsort(-loss[some], kind="stable")]
        # A gap sets the bar of all samples apart from those of the classes.
        n_classes = len(self.order_)
        y = np.append(np.arange(n_classes), n_classes + 0.4)

        handles = self._bars(ax, y)
        self._intervals(ax, y)
        self.base_: Any = None
        self.text_: list[Any] = []
        beside = []
        if "base_accuracy" in self.tallies:
            self._base(ax, y)
            beside = self._changes(ax, y)
            handles.insert(0, self.base_)
        self._axis(ax, y)
        handles.append(self.errorbar_)
        self.legend_ = legend_below(ax, handles, ncols=2) if legend else None
        return self._close(
            ax,
            despine=despine,
            title=self._title(name, self.sigma),
            beside=[self.legend_, *beside],
        )

    def _column(self, shares, overall):
        """Values of the bars from the top: the classes in order, and all samples."""
        return np.append(shares[self.order_], overall)

    def _shares(self, key):
        tally = self.tallies[key]
        return self._column(tally.share, tally.overall)

    def _bars(self, ax, y):
        """Draw the parts of the bars; return those that the legend explains."""
        at = f"certified within r = {self.radius:.4g}" if self.radius else "certified"
        closer = f"right, certified within less (r < {self.radius:.4g})"
        at = f"right, {at}" if self.certified else "smoothed: right"
        parts = {
            "right": ("accuracy", _RIGHT, at, None),
            "closer": ("closer", _UNSURE, closer, "////"),
            "abstained": ("abstained", _ABSTAINED, "abstained", "...."),
        }
        left = np.zeros(len(y))
        self.bars_, handles = {}, []
        for key, (score, color, label, hatch) in parts.items():
            values = self._shares(score)
            self.bars_[key] = ax.barh(
                y,
                values,
                left=left,
                height=0.72,
                color=color,
                hatch=hatch,
                edgecolor="white",
                linewidth=0,
                label=label,
            )
            left += values
            if values.any() or key == "right":
                handles.append(self.bars_[key])
        return handles

    def _intervals(self, ax, y):
        from matplotlib.patheffects import withStroke

        values, tally = self._shares("accuracy"), self.tallies["accuracy"]
        ends = zip(tally.interval, tally.overall_interval, strict=True)
        interval = np.stack([self._column(*end) for end in ends])
        self.errorbar_ = ax.errorbar(
            values,
            y,
            xerr=np.abs(interval - values),
            fmt="none",
            ecolor="0.2",
            elinewidth=1.2,
            capsize=2.5,
            label="95 % interval",
        )
        # Seen on any color: dark within white.
        for artist in (*self.errorbar_[1], *self.errorbar_[2]):
            artist.set_path_effects([withStroke(linewidth=3.2, foreground="white")])

    def _base(self, ax, y):
        """Draw the ticks of the base classifier."""
        self.base_ = ax.vlines(
            self._shares("base_accuracy"),
            y - 0.44,
            y + 0.44,
            color=_BASE,
            linewidth=3.0,
            clip_on=False,
            zorder=4,
            label="base classifier: right",
        )

    def _changes(self, ax, y):
        """Write what smoothing changes, to the right of the bars; return the texts."""
        beside = {
            "xycoords": ax.get_yaxis_transform(),
            "textcoords": "offset points",
            "ha": "right",
        }
        changes = 100 * (self._shares("accuracy") - self._shares("base_accuracy"))
        for row, change in zip(y, changes, strict=True):
            text = f"{change:+.1f}".replace("-", "−")
            text = "0.0" if text[1:] == "0.0" else text
            self.text_.append(
                ax.annotate(text, (1, row), (42, 0), va="center", **beside)
            )
        heading = ax.annotate(
            "change,\npoints", (1, -0.6), (42, 2), va="bottom", **beside
        )
        return [*self.text_, heading]

    def _axis(self, ax, y):
        """Limits and names of the axes."""
        ax.grid(axis="x", alpha=0.3)
        ax.set_xlim(0, 1)
        ax.set_ylim(y[-1] + 0.6, -0.6)
        names = [*(str(c) for c in self.classes[self.order_].tolist()), "overall"]
        ax.set_yticks(y, names)
        ax.get_yticklabels()[-1].set_fontweight("bold")
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("share of the samples of the class")

    def _height(self, n_bars):
        """Height of a figure, in inches, in which bars have one height."""
        return 1.9 + 0.32 * (1 + n_bars)
