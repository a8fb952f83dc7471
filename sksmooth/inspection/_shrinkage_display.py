# SPDX-License-Identifier: BSD-3-Clause
"""How each class fares as sigma grows, and where it is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._arguments import check_keywords, check_option
from sksmooth._messages import listed
from sksmooth.certificates import Certificates, class_index, require_known
from sksmooth.inspection._display import _DisplayBase
from sksmooth.inspection._drawing import (
    OVERALL,
    class_styles,
    legend_below,
    markers,
    spread_apart,
)
from sksmooth.shrinkage import (
    ShrinkageCurve,
    VanishingSigma,
    shrinkage_curve,
    vanishing_sigma,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TITLES = {
    "accuracy": "accuracy",
    "certified_accuracy": "certified accuracy at r = {radius:.4g}",
    "abstention_rate": "abstention rate",
    "average_certified_radius": "average certified radius",
    "predicted_share": "share of samples given to the class",
}
# What the base classifier has too, which is what smoothing with sigma 0 would be.
_AT_ZERO = {"accuracy": "base_accuracy", "predicted_share": "base_predicted_share"}
_MOST_BANDS = 4
_LINE_OF_TEXT = 13.5  # points


class ShrinkageDisplay(_DisplayBase):
    """A score of each class over sigma, from `sksmooth.shrinkage.shrinkage_curve`.

    Classes whose decision regions shrink faster lose sooner [1]_. A cross on the axis
    marks the sigma past which no sample of a class is right; the hollow points at 0 are
    the base classifier. Of more than 5 classes only the best and the worst at the
    largest sigma have a color.

    Make one with `from_estimator`, `from_certificates` or `from_curve`.

    Parameters
    ----------
    curve : ShrinkageCurve
        What `shrinkage_curve` returned.
    score : {"accuracy", "certified_accuracy", "abstention_rate", \
            "average_certified_radius", "predicted_share"}, default="accuracy"
        What to draw.
    vanishing : VanishingSigma, default=None
        What `vanishing_sigma` returned, to be marked.
    theory : dict, default=None
        For some classes, the score that is known in closed form: a function of an
        array of sigmas, or an array with one value for each of ``curve.sigmas``. Drawn
        as a broad, light line.
    name : str, default=None
        Name of the classifier, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D or None
        The score over all samples; None for "predicted_share".
    class_lines_ : list of matplotlib Line2D or None
        The curve of each class, None for a class without samples.
    theory_lines_ : dict of class to matplotlib Line2D
        What was given as `theory`.
    vanishing_marks_ : dict of class to matplotlib Line2D
        The crosses, of classes that vanish within the range.
    bands_ : list of matplotlib PolyCollection
        95 % Clopper-Pearson intervals (the test set is a random sample): of all curves
        with up to 4 classes, of the overall curve alone with more.
    text_ : list of matplotlib Text
        The names at the right ends of the curves.
    legend_ : matplotlib Legend or None
        What the signs mean.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, sections 4 and 6.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth.inspection import ShrinkageDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = KNeighborsClassifier().fit(X[::2], y[::2])
    >>> display = ShrinkageDisplay.from_estimator(
    ...     clf, X[1::10], y[1::10], [0.5, 2.0], n_predict=100, n_certify=100,
    ...     random_state=0)
    >>> display.ax_.get_ylabel()
    'accuracy'
    """

    def __init__(
        self,
        *,
        curve: ShrinkageCurve,
        score: str = "accuracy",
        vanishing: VanishingSigma | None = None,
        theory: Mapping[Any, Callable[..., ArrayLike] | ArrayLike] | None = None,
        name: str | None = None,
    ) -> None:
        self.curve = curve
        self.score = score
        self.vanishing = vanishing
        self.theory = theory
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        sigmas: ArrayLike,
        *,
        score: str = "accuracy",
        radius: float = 0.0,
        vanishing: bool = True,
        theory: Mapping[Any, Callable[..., ArrayLike] | ArrayLike] | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        curve_kwargs: dict[str, Any] | None = None,
        despine: bool = False,
        **params: Any,
    ) -> Self:
        """Measure each class at each sigma, and draw it.

        Parameters
        ----------
        estimator : fitted classifier
            A `SmoothedClassifier`, bare, at the end of a Pipeline or inside a search;
            or any other classifier, to be smoothed.
        X : array-like of shape (n_samples, n_features, ...)
            Samples, best ones that `estimator` was not fitted on.
        y : array-like of shape (n_samples,)
            Their true labels.
        sigmas : array-like of shape (n_sigmas,)
            Standard deviations of the noise, in the units of the X that is smoothed.
        score : str, default="accuracy"
            What to draw, as for the class.
        radius : float, default=0.0
            Radius of the certified accuracy, in the same units.
        vanishing : bool, default=True
            Search for the sigma at which each class vanishes, up to the largest of
            `sigmas`.
        theory : dict, default=None
            As for the class.
        name : str, default=None
            Name of the classifier, for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels or None, default=None
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        curve_kwargs : dict, default=None
            As in `plot`.
        despine : bool, default=False
            As in `plot`.
        **params : dict
            Parameters of `SmoothedClassifier` other than sigma.

        Returns
        -------
        display : ShrinkageDisplay

        Raises
        ------
        ValueError
            If a value is out of range or `y` holds unknown classes.
        """
        check_option("score", score, tuple(_TITLES))
        acr = score == "average_certified_radius"
        curve = shrinkage_curve(
            estimator, X, y, sigmas, radius=radius, acr=acr, **params
        )
        gone = None
        if vanishing:
            limits = curve.sigmas.min() / 16, curve.sigmas.max()
            gone = vanishing_sigma(estimator, X, y, sigma_range=limits, **params)
        return cls.from_curve(
            curve,
            score=score,
            vanishing=gone,
            theory=theory,
            name=name,
            ax=ax,
            classes=classes,
            legend=legend,
            curve_kwargs=curve_kwargs,
            despine=despine,
        )

    @classmethod
    def from_certificates(
        cls,
        y_true: ArrayLike,
        certificates: Sequence[Certificates],
        *,
        score: str = "certified_accuracy",
        radius: float = 0.0,
        y_base: ArrayLike | None = None,
        **keywords: Any,
    ) -> Self:
        """Draw samples that were certified before, at several sigmas.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        certificates : sequence of Certificates
            One for each sigma, of the same samples.
        score : {"certified_accuracy", "abstention_rate", \
                "average_certified_radius"}, default="certified_accuracy"
            What to draw.
        radius : float, default=0.0
            Radius of the certified accuracy.
        y_base : array-like of shape (n_samples,), default=None
            Predictions of the base classifier without noise.
        **keywords : dict
            As in `from_curve`.

        Returns
        -------
        display : ShrinkageDisplay

        Raises
        ------
        ValueError
            If the certificates do not belong together, or `score` is not known from
            them.
        """
        curve = ShrinkageCurve.from_certificates(
            y_true, certificates, radius=radius, y_base=y_base
        )
        return cls.from_curve(curve, score=score, **keywords)

    @classmethod
    def from_curve(
        cls,
        curve: ShrinkageCurve,
        *,
        score: str = "accuracy",
        vanishing: VanishingSigma | None = None,
        theory: Mapping[Any, Callable[..., ArrayLike] | ArrayLike] | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        classes: ArrayLike | None = None,
        legend: bool = True,
        curve_kwargs: dict[str, Any] | None = None,
        despine: bool = False,
    ) -> Self:
        """Draw what was measured before.

        Parameters
        ----------
        curve : ShrinkageCurve
            What `shrinkage_curve` returned.
        score : str, default="accuracy"
            As for the class.
        vanishing : VanishingSigma, default=None
            As for the class.
        theory : dict, default=None
            As for the class.
        name : str, default=None
            As for the class.
        ax : matplotlib Axes, default=None
            Axes to draw in. None makes a figure.
        classes : array-like of labels or None, default=None
            As in `plot`.
        legend : bool, default=True
            As in `plot`.
        curve_kwargs : dict, default=None
            As in `plot`.
        despine : bool, default=False
            As in `plot`.

        Returns
        -------
        display : ShrinkageDisplay

        Raises
        ------
        TypeError
            If `curve` is none.
        ValueError
            If `score` is unknown or was not measured, or `vanishing` or `theory` is of
            other classes.
        """
        display = cls(
            curve=curve, score=score, vanishing=vanishing, theory=theory, name=name
        )
        return display.plot(
            ax,
            classes=classes,
            legend=legend,
            curve_kwargs=curve_kwargs,
            despine=despine,
        )

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        classes: ArrayLike | None = None,
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
        classes : array-like of labels or None, default=None
            Classes to draw beside the overall curve. None draws all.
        legend : bool, default=True
            Draw the legend of the signs.
        curve_kwargs : dict, default=None
            Keywords of matplotlib's `plot` for the curves of the classes.
        despine : bool, default=False
            Take the top and right spines off.

        Returns
        -------
        self : ShrinkageDisplay
            The display, drawn.
        """
        self._check_looks(name, despine, legend)
        curve_kwargs = check_keywords("curve_kwargs", curve_kwargs)
        theory = self._check()
        curve = self.curve
        present = self._order(classes)
        size = (7.2, max(4.4, 1.3 + 0.2 * len(present)))
        ax = self._open(ax, figsize=size)
        self.bands_: list[Any] = []
        self.theory_lines_: dict[Any, Any] = {}
        self.vanishing_marks_: dict[Any, Any] = {}
        self.class_lines_ = [None] * len(curve.classes)
        self.line_ = None

        self._styles = class_styles(len(curve.classes), present)
        ends = self._curves(ax, sorted(present), theory, curve_kwargs)
        if self.score != "predicted_share":
            ends["overall"] = self._overall(ax)
        self._bands(ax, present)
        self._axis(ax)
        self._name_ends(ax, self._sigmas()[-1], ends)
        self.legend_ = self._legend(ax) if legend else None
        return self._close(
            ax,
            despine=despine,
            title=self._title(name, np.nan),
            beside=[self.legend_, *self.text_],
        )

    def _order(self, classes):
        """Positions of the classes to draw, from the highest score to the lowest.

        Of classes whose curves end together, the mean over sigma decides.
        """
        values = self._sorted(getattr(self.curve, self.score))
        order = np.lexsort((-values.mean(axis=0), -values[-1]))
        order = order[self.curve.support[order] > 0]
        if classes is not None:
            wanted = require_known(classes, self.curve.classes, "classes")
            order = order[np.isin(order, wanted)]
        return order.tolist()

    def _sigmas(self):
        return np.sort(self.curve.sigmas)

    def _sorted(self, values):
        """Values at each sigma, by increasing sigma."""
        return values[np.argsort(self.curve.sigmas)]

    def _base_tally(self):
        """Tally of the base classifier, which the score has at sigma 0, or None."""
        return self.curve.tallies.get(_AT_ZERO.get(self.score))

    def _curves(self, ax, present, theory, curve_kwargs):
        """Draw each class; return names with the values and the look of each curve."""
        curve, sigmas = self.curve, self._sigmas()
        values = self._sorted(getattr(curve, self.score))
        symbols = markers(len(curve.classes))
        base = self._base_tally()
        ends = {}
        for c in present:
            label = curve.classes[c].item()
            style = {"markersize": 5, "marker": symbols[c], **self._styles[c]}
            if label in theory:
                self.theory_lines_[label] = self._draw_theory(
                    ax, theory[label], style["color"]
                )
            if base is not None:
                self._to_zero(ax, base.share[c], sigmas[0], values[0, c], style)
            gone = self._when_gone(label)
            if gone is not None and np.isfinite(gone[0]):
                self._mark_vanishing(ax, label, gone[0], style["color"])
            style |= {"label": str(label), **curve_kwargs}
            (self.class_lines_[c],) = ax.plot(sigmas, values[:, c], **style)
            text = str(label) if gone is None else f"{label}  ({gone[1]})"
            ends[text] = values[:, c], style
        return ends

    def _overall(self, ax):
        """Draw the score over all samples; return its values and its look."""
        sigmas = self._sigmas()
        overall = self._sorted(self.curve.tallies[self.score].overall)
        base = self._base_tally()
        if base is not None:
            self._to_zero(ax, base.overall, sigmas[0], overall[0], OVERALL)
        (self.line_,) = ax.plot(sigmas, overall, label="overall", **OVERALL)
        return overall, OVERALL

    def _bands(self, ax, present):
        """Draw the intervals: of all curves if they are few, and of the overall one."""
        if self.score == "average_certified_radius":
            return
        tally, sigmas = self.curve.tallies[self.score], self._sigmas()
        if len(present) <= _MOST_BANDS:
            interval = [self._sorted(end) for end in tally.interval]
            for c in present:
                ends = [end[:, c] for end in interval]
                self._band(ax, sigmas, ends, self._styles[c]["color"])
        if self.line_ is not None:
            ends = [self._sorted(end) for end in tally.overall_interval]
            self._band(ax, sigmas, ends, "black")

    def _mark_vanishing(self, ax, label, sigma, color):
        (self.vanishing_marks_[label],) = ax.plot(
            sigma,
            0.0,
            marker="X",
            markersize=9,
            color=color,
            markeredgecolor="black",
            clip_on=False,
            zorder=5,
        )

    def _axis(self, ax):
        """Limits and names of the axes."""
        sigmas = self._sigmas()
        ax.grid(alpha=0.3)
        start = sigmas[0] if self._base_tally() is None else 0.0
        room = 0.02 * (sigmas[-1] - start) or 0.1 * sigmas[-1]
        ax.set_xlim(start - room, sigmas[-1] + room)
        if self.score == "average_certified_radius":
            ax.set_ylim(-0.03 * ax.get_ylim()[1], None)
        else:
            ax.set_ylim(-0.03, 1.03)
        ax.set_xlabel("σ of the noise, in the units of X")
        ax.set_ylabel(_TITLES[self.score].format(radius=self.curve.radius))

    def _check(self):
        """Check what was given; return `theory` as a dict."""
        if not isinstance(self.curve, ShrinkageCurve):
            raise TypeError(
                "curve must be what shrinkage_curve returns, got "
                f"{type(self.curve).__name__}."
            )
        check_option("score", self.score, tuple(_TITLES))
        if self.score not in self.curve.tallies:
            raise ValueError(
                f"score={self.score!r} was not measured; call shrinkage_curve with "
                "acr=True, which measures all scores."
            )
        if not (self.vanishing is None or isinstance(self.vanishing, VanishingSigma)):
            raise TypeError(
                "vanishing must be what vanishing_sigma returns, or None, got "
                f"{self.vanishing!r:.200}."
            )
        known = self.curve.classes
        given = [] if self.vanishing is None else self.vanishing.classes.tolist()
        theory = check_keywords("theory", self.theory)
        for name, labels in (("vanishing", given), ("theory", list(theory))):
            strange = [x for x in labels if class_index([x], known)[0] < 0]
            if strange:
                raise ValueError(
                    f"{name} has the classes {listed(strange)}, which the curve has "
                    f"not; its classes are {listed(known)}."
                )
        return theory

    def _when_gone(self, label):
        """The sigma at which a class vanishes, or nan, and words for it."""
        if self.vanishing is None:
            return None
        c = class_index([label], self.vanishing.classes)[0]
        if c < 0:
            return None
        status = self.vanishing.status[c]
        if status == "vanishes":
            sigma = self.vanishing.sigma[c]
            return sigma, f"gone at {sigma:.3g}"
        if status == "below":
            return np.nan, f"gone before {self.vanishing.upper[c]:.3g}"
        return (np.nan, "never right") if status == "base" else None

    def _draw_theory(self, ax, known, color):
        sigmas = self._sigmas()
        if callable(known):
            sigmas = np.linspace(sigmas[0], sigmas[-1], 200)
            values = np.asarray(known(sigmas), dtype=np.float64)
        else:
            values = self._sorted(np.asarray(known, dtype=np.float64))
        width = {"linewidth": 8, "alpha": 0.35, "solid_capstyle": "butt", "zorder": 2}
        return ax.plot(sigmas, values, color=color, **width)[0]

    def _band(self, ax, sigmas, interval, color):
        band = ax.fill_between(
            sigmas,
            *interval,
            facecolor=(color, 0.15),
            edgecolor=(color, 0.5),
            linewidth=0.6,
            zorder=1.5,
        )
        self.bands_.append(band)

    def _to_zero(self, ax, base, sigma, value, style):
        """Join the base classifier, a hollow point at 0, to the curve."""
        color = style["color"]
        ax.plot([0, sigma], [base, value], color=color, linewidth=0.8, zorder=2)
        ax.plot(
            0,
            base,
            marker=style.get("marker", "o"),
            markersize=6,
            markerfacecolor="white",
            markeredgecolor=color,
            clip_on=False,
            zorder=style["zorder"] + 0.1,
        )

    def _legend(self, ax):
        """Legend of the signs that are drawn, or None if there are none."""
        from matplotlib.lines import Line2D

        sign = {"linestyle": "none", "color": "0.5"}
        signs = []
        if self._base_tally() is not None:
            look = {"marker": "o", "markersize": 6, "markerfacecolor": "white"}
            signs.append(Line2D([], [], label="base classifier", **look, **sign))
        if self.vanishing_marks_:
            look = {"marker": "X", "markersize": 9, "markeredgecolor": "black"}
            signs.append(Line2D([], [], label="last sample lost", **look, **sign))
        if self.theory_lines_:
            look = {"color": "0.5", "linewidth": 8, "alpha": 0.35}
            signs.append(Line2D([], [], label="theory", **look))
        return legend_below(ax, signs, ncols=3) if signs else None

    def _name_ends(self, ax, end, ends):
        """Write a name beside the end of each curve, and keep the names apart."""
        low, high = ax.get_ylim()
        # Of curves that end together, the one that was higher before is named first.
        last = [v[-1] + 1e-6 * np.nanmean(v) for v, _ in ends.values()]
        fractions = (np.array(last) - low) / (high - low)
        points = 72 * ax.figure.get_figheight() * ax.get_position().height
        heights = spread_apart(fractions, _LINE_OF_TEXT / points, 0.0, 1.0)
        self.text_ = []
        for (text, (values, style)), height in zip(ends.items(), heights, strict=True):
            line = {
                "color": style["color"],
                "linewidth": 1.0 if text != "overall" else 2.0,
                "shrinkB": 0,
            }
            label = ax.annotate(
                text,
                (end, values[-1]),
                (1.05, height),
                textcoords="axes fraction",
                va="center",
                fontweight="bold" if text == "overall" else None,
                arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), **line},
                annotation_clip=False,
            )
            self.text_.append(label)
