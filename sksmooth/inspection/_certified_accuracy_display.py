# SPDX-License-Identifier: BSD-3-Clause
"""Certified accuracy over the radius, overall and class by class."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._estimators import layers
from sksmooth.bounds import share_interval
from sksmooth.certificates import Certificates, check_radii
from sksmooth.inspection._drawing import (
    OVERALL,
    check_choice,
    get_axes,
    legend_beside,
    line_styles,
    markers,
    noise_name,
    shifted,
    tidy,
)
from sksmooth.metrics._scorers import _find_smoothed
from sksmooth.metrics._scores import check_known, check_rows, is_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More bands than this hide each other.
_MOST_BANDS = 4
_DODGE = 10.0


class CertifiedAccuracyDisplay:
    """Certified accuracy over the radius, overall and for each class.

    The certified accuracy at a radius is the share of rows whose label is right and
    certified within it [1]_. A steep or low curve is a class that pays for the
    robustness of the others [2]_.

    Make one with `from_estimator` or `from_certificates`.

    Parameters
    ----------
    radii : ndarray of shape (n_radii,)
        Radii in increasing order, in the units of X.
    accuracy : ndarray of shape (n_radii,)
        Certified accuracy over all rows.
    accuracy_interval : ndarray of shape (2, n_radii)
        Its 95 % Clopper-Pearson interval at each radius, the rows being a sample.
    class_accuracy : ndarray of shape (n_classes, n_radii)
        Certified accuracy of each class, nan for a class without rows.
    class_interval : ndarray of shape (2, n_classes, n_radii)
        Its interval.
    classes : ndarray of shape (n_classes,)
        The classes.
    average_certified_radius : ndarray of shape (n_classes,)
        Area under the curve of each class; its order is that of the legend.
    restricted : bool, default=False
        True if `radii` are the ones that were asked in ``certify(X, radii=...)``, and
        nothing more is known between them than that accuracy does not increase. False
        if the curve is exact, all its steps being among `radii`.
    sigma : float, default=nan
        Standard deviation of the noise, for the title.
    name : str, default=None
        Name of the classifier, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The overall curve.
    class_lines_ : list of matplotlib Line2D or None
        The curve of each class, None for a class without rows.
    bands_ : list of matplotlib artists
        The intervals.
    legend_ : matplotlib Legend

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
        accuracy: NDArray[np.float64],
        accuracy_interval: NDArray[np.float64],
        class_accuracy: NDArray[np.float64],
        class_interval: NDArray[np.float64],
        classes: NDArray[Any],
        average_certified_radius: NDArray[np.float64],
        restricted: bool = False,
        sigma: float = np.nan,
        name: str | None = None,
    ) -> None:
        self.radii = radii
        self.accuracy = accuracy
        self.accuracy_interval = accuracy_interval
        self.class_accuracy = class_accuracy
        self.class_interval = class_interval
        self.classes = classes
        self.average_certified_radius = average_certified_radius
        self.restricted = restricted
        self.sigma = sigma
        self.name = name

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
        bands: str = "auto",
        curve_kwargs: dict[str, Any] | None = None,
        despine: bool = False,
    ) -> Self:
        """Certify rows and draw their certified accuracy.

        Parameters
        ----------
        estimator : fitted SmoothedClassifier
            Bare, at the end of a Pipeline, or found by a search.
        X : array-like of shape (n_rows, n_features, ...)
            Rows, best ones that `estimator` was not fitted on.
        y : array-like of shape (n_rows,)
            Their true labels.
        radii : array-like of float, default=None
            Radii to ask for, which costs far fewer votes than the whole curve.
        name : str, default=None
            Name for the title. None takes the name of the base classifier.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        bands : {"auto", "all", "overall", "none"}, default="auto"
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
            bands=bands,
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
        bands: str = "auto",
        curve_kwargs: dict[str, Any] | None = None,
        despine: bool = False,
    ) -> Self:
        """Draw the certified accuracy of rows that were certified before.

        Parameters
        ----------
        y_true : array-like of shape (n_rows,)
            True labels, all among ``certificates.classes``.
        certificates : Certificates
            What `SmoothedClassifier.certify` returned for the same rows.
        name : str, default=None
            Name of the classifier, for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        bands : {"auto", "all", "overall", "none"}, default="auto"
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
        classes = certificates.classes
        index = check_known(y_true, classes)
        n_classes = len(classes)
        counted = is_right(y_true, certificates) & ~certificates.abstained
        if certificates.radii is not None:
            radii = np.sort(certificates.radii)
        else:
            # All steps, and a point beyond the last to see the curve come down to 0.
            found = np.append(certificates.radius[counted], 0.0)
            radii = np.unique(np.append(found, found.max() * 1.04 or 1.0))

        # Row i counts at the first last[i] radii: those of at most its own radius.
        last = np.searchsorted(radii, certificates.radius[counted], side="right")
        ends = np.zeros((n_classes, len(radii) + 1), dtype=np.int64)
        np.add.at(ends, (index[counted], last), 1)
        hits = ends[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        support = np.bincount(index, minlength=n_classes)
        with np.errstate(invalid="ignore"):  # 0 / 0: a class without rows
            class_accuracy = hits / support[:, None]
        total = np.bincount(index, counted * certificates.radius, n_classes)
        with np.errstate(invalid="ignore"):
            average_radius = total / support
        return cls(
            radii=radii,
            accuracy=hits.sum(axis=0) / len(y_true),
            accuracy_interval=np.stack(share_interval(hits.sum(axis=0), len(y_true))),
            class_accuracy=class_accuracy,
            class_interval=np.stack(share_interval(hits, support[:, None])),
            classes=classes,
            average_certified_radius=average_radius,
            restricted=certificates.radii is not None,
            sigma=certificates.sigma,
            name=name,
        ).plot(ax, bands=bands, curve_kwargs=curve_kwargs, despine=despine)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        name: str | None = None,
        bands: str = "auto",
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
        bands : {"auto", "all", "overall", "none"}, default="auto"
            Which curves get their interval. "auto" gives it to all of up to 4 classes;
            of more classes to the one with the lowest average certified radius only,
            as bands would hide each other. Overall has one unless "none".
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
        ax = get_axes(type(self).__name__, ax, figsize=(7.2, 4.4))
        order = np.argsort(-self.average_certified_radius, kind="stable")
        order = order[~np.isnan(self.average_certified_radius[order])]
        if bands == "all" or (bands == "auto" and len(order) <= _MOST_BANDS):
            banded = set(order.tolist())
        else:
            banded = {int(order[-1])} if bands == "auto" else set()

        styles = line_styles(len(self.classes))
        symbols = markers(len(self.classes))
        self.class_lines_ = [None] * len(self.classes)
        self.bands_: list[Any] = []
        # Points of one radius side by side, in points: classes left and right.
        shifts = np.linspace(-_DODGE, _DODGE, len(order)) if len(order) > 1 else [0.0]
        for c, shift in zip(order.tolist(), shifts, strict=True):
            style = {"linewidth": 1.6, "zorder": 2.5, **styles[c]}
            if self.restricted:
                style["marker"] = symbols[c]
            self.class_lines_[c] = self._draw(
                ax,
                self.class_accuracy[c],
                self.class_interval[:, c] if c in banded else None,
                {**style, "label": str(self.classes[c]), **(curve_kwargs or {})},
                shift,
            )
        self.line_ = self._draw(
            ax,
            self.accuracy,
            None if bands == "none" else self.accuracy_interval,
            {**OVERALL, "label": "overall"},
        )
        if self.restricted and len(self.radii) <= 8:
            ax.set_xticks(self.radii)

        tidy(ax, despine)
        ax.grid(alpha=0.3)
        end = self.radii[-1] or 1.0
        ax.set_xlim(-0.05 * end, 1.05 * end) if self.restricted else ax.set_xlim(0, end)
        ax.set_ylim(0, 1.02)
        ax.set_xlabel("certified radius r, in the units of X")
        ax.set_ylabel("certified accuracy")
        parts = [self.name if name is None else name, noise_name(self.sigma)]
        ax.set_title(", ".join(part for part in parts if part))
        handles = [self.line_, *(self.class_lines_[c] for c in order)]
        self.legend_ = legend_beside(ax, handles, "class, most to\nleast certified")
        self.ax_, self.figure_ = ax, ax.figure
        return self

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
            overall = style["label"] == "overall"
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
        # The value on (radii[i - 1], radii[i]] is that at radii[i]: a row counts up to
        # and with its own radius.
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
