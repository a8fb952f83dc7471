# SPDX-License-Identifier: BSD-3-Clause
"""Certified accuracy over the radius, overall and class by class."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._estimators import layers
from sksmooth.certificates import Certificates, check_radii, require_known
from sksmooth.inspection._display import _DisplayBase
from sksmooth.inspection._drawing import (
    OVERALL,
    check_choice,
    colours,
    legend_below,
    legend_beside,
    line_styles,
    markers,
    noise_name,
    shifted,
)
from sksmooth.metrics import ClassTally
from sksmooth.metrics._scorers import _find_smoothed
from sksmooth.metrics._scores import check_rows, is_right, known_index

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More bands than this hide each other.
_MOST_BANDS = 4
# More colours than this are hard to tell apart.
_MOST_COLOURS = 5
_DODGE = 10.0
_GREY = "0.72"
_WORST_DASH = (0, (5, 1.5))
_MODEL = "sksmooth: one curve of a model"  # to find the curves of other models


class CertifiedAccuracyDisplay(_DisplayBase):
    """Certified accuracy over the radius, overall and for each class.

    The certified accuracy at a radius is the share of samples whose label is right and
    certified within it [1]_. A steep or low curve is a class that pays for the
    robustness of the others [2]_.

    Make one with `from_estimator` or `from_certificates`. Several models can be
    compared in the same axes: draw each with ``classes=[]`` or ``classes="worst"``, a
    `name` and the same `ax`.

    Parameters
    ----------
    radii : ndarray of shape (n_radii,)
        Radii in increasing order, in the units of X.
    tally : ClassTally
        Samples of each class that are right and certified within each radius: hits of
        shape (n_radii, n_classes).
    classes : ndarray of shape (n_classes,)
        The classes.
    average_certified_radius : ndarray of shape (n_classes,)
        Area under the curve of each class; its order is that of the legend.
    restricted : bool, default=False
        True if `radii` are those of ``certify(X, radii=...)``, and
        nothing more is known between them than that accuracy does not increase. False
        if the curve is exact, all its steps being among `radii`.
    sigma : float, default=nan
        Standard deviation of the noise, for the title.
    name : str, default=None
        Name of the classifier, for the title.

    Attributes
    ----------
    accuracy : ndarray of shape (n_radii,)
        Certified accuracy over all samples.
    accuracy_interval : ndarray of shape (2, n_radii)
        95 % Clopper-Pearson interval of `accuracy` at each radius.
    class_accuracy : ndarray of shape (n_classes, n_radii)
        Certified accuracy of each class; nan for a class without samples.
    class_interval : ndarray of shape (2, n_classes, n_radii)
        95 % Clopper-Pearson interval of `class_accuracy`.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The overall curve.
    class_lines_ : list of matplotlib Line2D or None
        The curve of each class, None for a class without samples or not drawn.
    bands_ : list of matplotlib artists
        The intervals.
    legend_ : matplotlib Legend or None

    See Also
    --------
    sksmooth.metrics.certified_accuracy_score : The same as a number.
    sksmooth.metrics.classwise_report : The same as a table.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, section 4.
    .. [2] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth import SmoothedClassifier
    >>> from sksmooth.inspection import CertifiedAccuracyDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SmoothedClassifier(KNeighborsClassifier(), n_certify=200, random_state=0)
    >>> clf = clf.fit(X[::2], y[::2])
    >>> display = CertifiedAccuracyDisplay.from_estimator(clf, X[1::10], y[1::10])
    >>> display.ax_.get_ylabel()
    'certified accuracy'
    """

    def __init__(
        self,
        *,
        radii: NDArray[np.float64],
        tally: ClassTally,
        classes: NDArray[Any],
        average_certified_radius: NDArray[np.float64],
        restricted: bool = False,
        sigma: float = np.nan,
        name: str | None = None,
    ) -> None:
        self.radii = radii
        self.tally = tally
        self.classes = classes
        self.average_certified_radius = average_certified_radius
        self.restricted = restricted
        self.sigma = sigma
        self.name = name
        self.accuracy = tally.overall
        self.accuracy_interval = np.stack(tally.overall_interval)
        self.class_accuracy = tally.share.T
        self.class_interval = np.stack(tally.interval).swapaxes(1, 2)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        radii: ArrayLike | None = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        classes: ArrayLike | str | None = None,
        bands: str = "auto",
        legend: bool = True,
        curve_kwargs: dict[str, Any] | None = None,
        despine: bool = False,
    ) -> Self:
        """Certify samples and draw their certified accuracy.

        Parameters
        ----------
        estimator : fitted SmoothedClassifier
            Bare, at the end of a Pipeline, or found by a search.
        X : array-like of shape (n_samples, n_features, ...)
            Samples, best ones that `estimator` was not fitted on.
        y : array-like of shape (n_samples,)
            Their true labels.
        radii : array-like of float, default=None
            Radii to ask for, which costs far fewer votes than the whole curve.
        name : str, default=None
            Name for the title. None takes the name of the base classifier.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels, "worst" or None, default=None
            As in `plot`.
        bands : {"auto", "all", "overall", "none"}, default="auto"
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        curve_kwargs : dict, default=None
            As in `plot`.
        despine : bool, default=False
            As in `plot`.

        Returns
        -------
        display : CertifiedAccuracyDisplay

        Raises
        ------
        TypeError
            If `estimator` holds no smoothed classifier.
        """
        smoothed, rows = _find_smoothed(estimator, X)
        radii = None if radii is None else check_radii(radii)
        if name is None:
            name = base_name(smoothed)
        return cls.from_certificates(
            y,
            smoothed.certify(rows, radii=radii),
            name=name,
            ax=ax,
            classes=classes,
            bands=bands,
            legend=legend,
            curve_kwargs=curve_kwargs,
            despine=despine,
        )

    @classmethod
    def from_certificates(
        cls,
        y_true: ArrayLike,
        certificates: Certificates,
        *,
        name: str | None = None,
        ax: "Axes | None" = None,
        classes: ArrayLike | str | None = None,
        bands: str = "auto",
        legend: bool = True,
        curve_kwargs: dict[str, Any] | None = None,
        despine: bool = False,
    ) -> Self:
        """Draw the certified accuracy of samples that were certified before.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels, all among ``certificates.classes``.
        certificates : Certificates
            What `SmoothedClassifier.certify` returned for the same samples.
        name : str, default=None
            Name of the classifier, for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels, "worst" or None, default=None
            As in `plot`.
        bands : {"auto", "all", "overall", "none"}, default="auto"
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        curve_kwargs : dict, default=None
            As in `plot`.
        despine : bool, default=False
            As in `plot`.

        Returns
        -------
        display : CertifiedAccuracyDisplay

        Raises
        ------
        ValueError
            If `y_true` holds a class that the certificates do not know, or lengths
            differ.
        """
        y_true = check_rows(y_true, certificates)
        index = known_index(y_true, certificates)
        n_classes = len(certificates.classes)
        counted = is_right(y_true, certificates) & ~certificates.abstained
        if certificates.radii is not None:
            radii = np.sort(certificates.radii)
        else:
            # All steps, and a point beyond the last to see the curve come down to 0.
            found = np.append(certificates.radius[counted], 0.0)
            radii = np.unique(np.append(found, found.max() * 1.04 or 1.0))

        # Sample i counts at the first last[i] radii: those of at most its own radius.
        last = np.searchsorted(radii, certificates.radius[counted], side="right")
        ends = np.zeros((len(radii) + 1, n_classes), dtype=np.int64)
        np.add.at(ends, (last, index[counted]), 1)
        radius = ClassTally.of(counted * certificates.radius, index, n_classes)
        return cls(
            radii=radii,
            tally=ClassTally(ends[::-1].cumsum(axis=0)[::-1][1:], radius.support),
            classes=certificates.classes,
            average_certified_radius=radius.share,
            restricted=certificates.radii is not None,
            sigma=certificates.sigma,
            name=name,
        ).plot(
            ax,
            classes=classes,
            bands=bands,
            legend=legend,
            curve_kwargs=curve_kwargs,
            despine=despine,
        )

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, y_pred: Certificates, **keywords: Any
    ) -> Self:
        """Draw what `certify` returned: the same as `from_certificates`.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels, all among ``y_pred.classes``.
        y_pred : Certificates
            What `SmoothedClassifier.certify` returned for the same samples; labels
            alone say nothing of a radius.
        **keywords : dict
            As in `from_certificates`.

        Returns
        -------
        display : CertifiedAccuracyDisplay

        Raises
        ------
        TypeError
            If `y_pred` are no certificates.
        """
        return cls.from_certificates(y_true, y_pred, **keywords)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        name: str | None = None,
        classes: ArrayLike | str | None = None,
        bands: str = "auto",
        legend: bool = True,
        curve_kwargs: dict[str, Any] | None = None,
        despine: bool = False,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        name : str, default=None
            Name for the title. None takes the attribute `name`.
        classes : array-like of labels, "worst" or None, default=None
            Classes to draw beside the overall curve. None draws all; of more than 5
            all but the best and the worst in grey. An empty list draws the overall
            curve alone, and "worst" the class of least average certified radius with
            it: both in a colour and a legend for the model, so that several models fit
            in the same axes.
        bands : {"auto", "all", "overall", "none"}, default="auto"
            Which curves get their interval. "auto" gives it to all of up to 4 classes;
            of more classes to the one with the lowest average certified radius only,
            as bands would hide each other. Overall has one unless "none".
        legend : bool, default=True
            Draw the legend.
        curve_kwargs : dict, default=None
            Keywords of matplotlib's `plot` for the curves of the classes.
        despine : bool, default=False
            Take the top and right spines off.

        Returns
        -------
        self : CertifiedAccuracyDisplay
            The display, drawn.
        """
        check_choice("bands", bands, ("auto", "all", "overall", "none"))
        chosen, per_model = self._choose(classes)
        ax = self._open(ax, figsize=(7.2, 4.4))
        self.class_lines_ = [None] * len(self.classes)
        self.bands_: list[Any] = []
        if per_model:
            styles, overall = self._model_styles(ax, name, chosen)
        else:
            styles, overall = self._class_styles(chosen), {**OVERALL}
            overall["label"] = "overall"
        ends = self._ends_of_other_models(ax)
        self._curves(
            ax, chosen, self._banded(chosen, bands, per_model), styles, curve_kwargs
        )
        self.line_ = self._draw(
            ax,
            self.accuracy,
            None if bands == "none" else self.accuracy_interval,
            overall,
        )
        if per_model:
            self.line_.set_gid(_MODEL)
        self._axis(ax, max([self.radii[-1], *ends]))
        self.legend_ = self._legend(ax, chosen, per_model) if legend else None
        title = "" if per_model else self._title(name, self.sigma)
        return self._close(ax, despine=despine, title=title, beside=[self.legend_])

    def _choose(self, classes):
        """Positions of the classes to draw, from the most to the least certified.

        Also whether the curves are those of one model among several.
        """
        order = np.argsort(-self.average_certified_radius, kind="stable")
        order = order[~np.isnan(self.average_certified_radius[order])]
        if classes is None:
            return order.tolist(), False
        if isinstance(classes, str):
            check_choice("classes", classes, ("worst",))
            return order[-1:].tolist(), True
        wanted = require_known(classes, self.classes, "classes")
        return order[np.isin(order, wanted)].tolist(), len(wanted) == 0

    def _banded(self, chosen, bands, per_model):
        """Positions of the classes whose curves get their interval."""
        if bands == "all":
            return set(chosen)
        if bands != "auto" or per_model:
            return set()
        return set(chosen if len(chosen) <= _MOST_BANDS else chosen[-1:])

    def _class_styles(self, chosen):
        """Look of each class: a colour of its own, or grey if many are in between."""
        styles = line_styles(len(self.classes))
        grey = chosen[1:-1] if len(chosen) > _MOST_COLOURS else []
        for c, label in enumerate(self.classes.tolist()):
            styles[c] |= {"linewidth": 1.6, "zorder": 2.5, "label": str(label)}
            if c in grey:
                styles[c] |= {"linewidth": 1.0, "zorder": 2.2, "color": _GREY}
        if grey:
            # Two colours that are far from grey, which those of some classes are not.
            styles[chosen[0]]["color"], _, styles[chosen[-1]]["color"] = colours(3)
        return styles

    def _model_styles(self, ax, name, chosen):
        """Look of the curves of one model, in the next colour of the axes."""
        n_before = sum(line.get_gid() == _MODEL for line in ax.lines)
        colour = colours(n_before + 1)[-1]
        known = (self.name if name is None else name, noise_name(self.sigma))
        label = ", ".join(part for part in known if part) or "overall"
        styles = {}
        for c in chosen:
            worst = f"worst class: {self.classes[c]}"
            styles[c] = {"color": colour, "linewidth": 1.6, "linestyle": _WORST_DASH}
            styles[c] |= {"zorder": 2.5, "label": worst}
        return styles, {"color": colour, "linewidth": 2.6, "zorder": 3, "label": label}

    def _ends_of_other_models(self, ax):
        """Largest radii of the curves that are in the axes already."""
        return [x.get_xdata()[-1] for x in ax.lines if x.get_gid() == _MODEL]

    def _curves(self, ax, chosen, banded, styles, curve_kwargs):
        """Draw the curve of each chosen class."""
        symbols = markers(len(self.classes))
        # Points of one radius side by side, in points: classes left and right.
        shifts = np.linspace(-_DODGE, _DODGE, len(chosen)) if len(chosen) > 1 else [0.0]
        shares, intervals = self.class_accuracy, self.class_interval
        for c, shift in zip(chosen, shifts, strict=False):
            style = {**styles[c], **(curve_kwargs or {})}
            if self.restricted:
                style = {"marker": symbols[c], **style}
            interval = intervals[:, c] if c in banded else None
            self.class_lines_[c] = self._draw(ax, shares[c], interval, style, shift)

    def _axis(self, ax, end):
        """Limits, ticks and names of the axes."""
        if self.restricted and len(self.radii) <= 8:
            ax.set_xticks(self.radii)
        ax.grid(alpha=0.3)
        end = end or 1.0
        ax.set_xlim(*((-0.05 * end, 1.05 * end) if self.restricted else (0, end)))
        ax.set_ylim(0, 1.02)
        ax.set_xlabel("certified radius r, in the units of X")
        ax.set_ylabel("certified accuracy")

    def _legend(self, ax, chosen, per_model):
        """Legend of the classes, or of all models that are in the axes."""
        if per_model:
            handles = ax.get_legend_handles_labels()[0]
            # A column of models and, beside it, one of their worst classes.
            handles.sort(key=lambda line: line.get_gid() != _MODEL)
            return legend_below(ax, handles, ncols=1 + any(self.class_lines_))
        handles = [self.line_, *(self.class_lines_[c] for c in chosen)]
        if len(chosen) > _MOST_COLOURS:
            from matplotlib.lines import Line2D

            others = f"{len(chosen) - 2} classes between"
            between = Line2D([], [], color=_GREY, linewidth=1.0, label=others)
            handles = [handles[0], handles[1], between, handles[-1]]
        return legend_beside(ax, handles, "class, most to\nleast certified")

    def _draw(self, ax, shares, interval, style, shift=0.0):
        """Draw one curve and its interval; return the line."""
        x = self.radii
        if self.restricted:
            # A radius that holds implies all smaller ones, so the thin step to the left
            # of a point is a lower bound. To the right of the last nothing is known.
            color = style["color"]
            ax.plot(
                [0, *x],
                [shares[0], *shares],
                drawstyle="steps-pre",
                color=color,
                linewidth=0.5 * style["linewidth"],
                alpha=0.5,
            )
            aside = shifted(ax.transData, ax, x=shift)
            overall = style["zorder"] == OVERALL["zorder"]
            if interval is not None:
                bars = ax.errorbar(
                    x,
                    shares,
                    np.abs(interval - shares),
                    fmt="none",
                    ecolor=color,
                    elinewidth=2.2 if overall else 1.2,
                    capsize=3,
                    transform=aside,
                    zorder=style["zorder"],
                )
                self.bands_.append(bars)
            points = {
                "marker": "o",
                "markersize": 7 if overall else 5.5,
                "transform": aside,
                **style,
                "linestyle": "none",
            }
            return ax.plot(x, shares, **points)[0]
        # The value on (radii[i - 1], radii[i]] is that at radii[i]: a sample counts up
        # to and with its own radius.
        if interval is not None:
            band = ax.fill_between(
                x,
                *interval,
                step="pre",
                facecolor=(style["color"], 0.15),
                edgecolor=(style["color"], 0.5),
                linewidth=0.6,
                zorder=1.5,
            )
            self.bands_.append(band)
        return ax.plot(x, shares, drawstyle="steps-pre", **style)[0]


def base_name(smoothed):
    """Name of the base classifier's type, for a title."""
    base = layers(smoothed).core
    if hasattr(type(base), "certify"):
        base = layers(base.estimator_).core
    function = getattr(base, "function", None)
    if callable(function):
        owner = getattr(function, "__self__", None)
        name = getattr(function, "__name__", type(function).__name__)
        name = name if owner is None else type(owner).__name__
    else:
        name = type(base).__name__
    return f"smoothed {name}"
