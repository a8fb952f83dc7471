# SPDX-License-Identifier: BSD-3-Clause
"""Certified accuracy over the radius, overall and class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._arguments import check_keywords, check_option
from sksmooth._estimators import layers
from sksmooth.certificates import Certificates, check_radii, require_known
from sksmooth.inspection._display import _DisplayBase
from sksmooth.inspection._drawing import (
    OVERALL,
    class_handles,
    class_styles,
    colors,
    legend_below,
    legend_beside,
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
_DODGE = 10.0
# Of the first, second, ... class of a model that is compared with others.
_MODEL_DASHES = ((0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
# The displays that are drawn in the same axes.
_DRAWN: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()


class CertifiedAccuracyDisplay(_DisplayBase):
    """Certified accuracy over the radius, overall and for each class.

    The certified accuracy at a radius is the share of samples whose label is right and
    certified within it [1]_. A steep or low curve is that of a class that
    smoothing costs more than others [2]_.

    Make one with `from_estimator` or `from_certificates`. To compare several models,
    draw each in the same `ax` with a `name`. Each then has one color: its overall curve
    and, if `classes` names any, those of its classes in dashes.

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
    units : str, default="in the units of X"
        What radii are measured in, for the name of the axis.

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
        units: str = "in the units of X",
    ) -> None:
        self.radii = radii
        self.tally = tally
        self.classes = classes
        self.average_certified_radius = average_certified_radius
        self.restricted = restricted
        self.sigma = sigma
        self.name = name
        self.units = units
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
        ax: Axes | None = None,
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
            Radii to decide, which costs far fewer votes than the whole curve.
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
        ax: Axes | None = None,
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
            units=_units(certificates),
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
        ax: Axes | None = None,
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
            Classes to draw beside the overall curve. None draws all, of more than 5
            all but the best and the worst in gray, or none where axes hold several
            models. "worst" is the class of least average certified radius; an empty
            list draws the overall curve alone.
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
        self._check_looks(name, despine, legend)
        curve_kwargs = check_keywords("curve_kwargs", curve_kwargs)
        check_option("bands", bands, ("auto", "all", "overall", "none"))
        self._choose(classes, compared=False)  # before anything is drawn
        ax = self._open(ax, figsize=(7.2, 4.4))
        others = [d for d in _DRAWN.get(ax, []) if d._is_in(ax) and d is not self]
        self._asked = (classes, bands, curve_kwargs)
        self._shown_name = self.name if name is None else name
        by_model = isinstance(classes, str) or (
            classes is not None and np.size(classes) == 0
        )
        compared = by_model or bool(others)
        for position, other in enumerate(others):
            if not other._compared:
                other._erase(ax)
                other._draw_all(ax, others[:position], compared=True)
        self._draw_all(ax, others, compared=compared)
        _DRAWN[ax] = [*others, self]
        self._axis(ax, max(d.radii[-1] for d in _DRAWN[ax]))
        self.legend_ = self._legend(ax, _DRAWN[ax]) if legend else None
        title = "" if compared else self._title(name, self.sigma)
        self._close(ax, despine=despine, title=title, beside=[self.legend_])
        self._title_text = title
        return self

    def _is_in(self, ax):
        """Whether what was drawn is still in the axes."""
        return self.line_.axes is ax

    def _draw_all(self, ax, others, *, compared):
        """Draw all curves: in the colors of the classes, or in one for the model."""
        classes, bands, curve_kwargs = self._asked
        chosen = self._choose(classes, compared)
        self._compared, self._chosen = compared, chosen
        self.class_lines_ = [None] * len(self.classes)
        self.bands_: list[Any] = []
        before = set(ax.get_children())
        if compared:
            styles, overall = self._model_styles(others, chosen)
        else:
            styles = class_styles(len(self.classes), chosen)
            for c in chosen:
                styles[c]["label"] = str(self.classes[c])
            overall = {**OVERALL, "label": "overall"}
        banded = self._banded(chosen, bands, compared)
        self._curves(ax, chosen, banded, styles, curve_kwargs)
        # Points of several models at the same radius stand side by side.
        shift = (
            5.0 * ((len(others) + 1) // 2) * (-1) ** len(others) if compared else 0.0
        )
        interval = None if bands == "none" else self.accuracy_interval
        self.line_ = self._draw(ax, self.accuracy, interval, overall, shift)
        self._artists = [a for a in ax.get_children() if a not in before]

    def _erase(self, ax):
        """Take off what was drawn, to draw it again beside another model."""
        for band in self.bands_:
            band.remove()
        for artist in self._artists:
            if artist.axes is not None and artist in ax.get_children():
                artist.remove()
        if ax.get_title() == self._title_text:
            ax.set_title("")

    def _choose(self, classes, compared):
        """Positions of the classes to draw, from the most to the least certified."""
        order = np.argsort(-self.average_certified_radius, kind="stable")
        order = order[~np.isnan(self.average_certified_radius[order])]
        if classes is None:
            return [] if compared else order.tolist()
        if isinstance(classes, str):
            check_option("classes", classes, ("worst",))
            return order[-1:].tolist()
        wanted = require_known(classes, self.classes, "classes")
        return order[np.isin(order, wanted)].tolist()

    def _banded(self, chosen, bands, compared):
        """Positions of the classes whose curves get their interval."""
        if bands == "all":
            return set(chosen)
        if bands != "auto" or compared:
            return set()
        return set(chosen if len(chosen) <= _MOST_BANDS else chosen[-1:])

    def _model_styles(self, others, chosen):
        """Look of the curves of one model, in the next color of the axes."""
        color = colors(len(others) + 1)[-1]
        known = (self._shown_name, noise_name(self.sigma))
        label = ", ".join(part for part in known if part) or "overall"
        if label in (d.line_.get_label() for d in others):
            label += f" ({len(others) + 1})"
        word = "worst class:" if isinstance(self._asked[0], str) else "class"
        styles = {}
        for k, c in enumerate(chosen):
            styles[c] = {
                "color": color,
                "linewidth": 1.6,
                "linestyle": _MODEL_DASHES[k % len(_MODEL_DASHES)],
                "zorder": 2.5,
                "label": f"{word} {self.classes[c]}",
            }
        return styles, {"color": color, "linewidth": 2.6, "zorder": 3, "label": label}

    def _curves(self, ax, chosen, banded, styles, curve_kwargs):
        """Draw the curve of each chosen class."""
        symbols = markers(len(self.classes))
        # Points of one radius side by side, in points: classes left and right.
        shifts = np.linspace(-_DODGE, _DODGE, len(chosen)) if len(chosen) > 1 else [0.0]
        shares, intervals = self.class_accuracy, self.class_interval
        for c, shift in zip(chosen, shifts, strict=False):
            style = {**styles[c], **curve_kwargs}
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
        ax.set_xlabel(f"certified radius r, {self.units}")
        ax.set_ylabel("certified accuracy")

    def _legend(self, ax, drawn):
        """Legend of the classes, or of all models that are in the axes."""
        if self._compared:
            handles = [display.line_ for display in drawn]
            most = max(len(display._chosen) for display in drawn)
            # A column of models and, beside it, one of their first classes, ...
            for k in range(most):
                for display in drawn:
                    for c in display._chosen[k : k + 1]:
                        handles.append(display.class_lines_[c])
            return legend_below(ax, handles, ncols=1 + min(most, 2))
        lines = [self.class_lines_[c] for c in self._chosen]
        handles = [self.line_, *class_handles(lines)]
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


def _units(certificates):
    """What the radii of certificates are measured in."""
    if not certificates.norm:
        words = certificates.noise == "token_deletion"
        return "in words" if words else "in categories"
    return f"in the units of {'X' if certificates.scale is None else 'feature_scale'}"


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
