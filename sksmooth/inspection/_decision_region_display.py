# SPDX-License-Identifier: BSD-3-Clause
"""Decision regions in two features: base against smoothed, with certified balls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_dilation

from sksmooth._arguments import (
    check_memory,
    check_option,
    check_whole_number,
    real_numbers,
)
from sksmooth._estimators import frame_like, layers, takes_frame
from sksmooth._messages import listed
from sksmooth.certificates import Certificates, class_index, resolve_vote_weights
from sksmooth.inspection._display import _DisplayBase
from sksmooth.inspection._drawing import (
    colors,
    legend_beside,
    lighten,
    markers,
)
from sksmooth.noise import ADDITIVE_LAWS
from sksmooth.shrinkage._smoothed_copy import (
    base_labels,
    smoothed_copy,
    true_classes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BATCH = 65_536  # samples given to the base classifier at a time
_MOST_SECONDS = 10.0  # for a picture in closed form, by its own estimate
_REACH = 4.5  # sigmas around the picture that the blur looks at
_CELLS_PER_SIGMA = 12
_PER_SIGMA = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))


class DecisionRegionDisplay(_DisplayBase):
    """Decision regions of a classifier of two features, base against smoothed.

    The regions of the smoothed classifier are smaller where they curve, and may be
    gone [1]_. Certified balls are drawn to scale: within one, the smoothed classifier
    does not change its prediction. Where features have units of their own, they are
    ellipses, and lines where one of both features is held fixed.

    Make one with `from_estimator`.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (n_columns,) and (n_lines,)
        The points of the picture: first feature and second feature.
    base : ndarray of int of shape (n_lines, n_columns)
        Position in `classes` of the base classifier's prediction at each point.
    shares : ndarray of shape (n_sigmas, n_classes, n_lines, n_columns)
        Share of the votes of each class at each point, times its vote weight.
    sigmas : ndarray of shape (n_sigmas,)
        Standard deviations of the noise.
    classes : ndarray of shape (n_classes,)
        The classes.
    sources : list of {"exact", "blur"}
        Where `shares` come from, for each sigma: a closed form, or a blurred map of the
        base classifier's predictions, which is good for pictures only.
    points : ndarray of shape (n_points, 2), default=None
        Centers of the balls.
    certificates : list of Certificates, default=None
        Of `points`, for each sigma.
    X : ndarray of shape (n_samples, 2), default=None
        Samples to show.
    y : ndarray of int of shape (n_samples,), default=None
        Positions of their true labels in `classes`.
    feature_names : sequence of two str, default=("feature 0", "feature 1")
        Names for the axes.
    name : str, default=None
        Name of the base classifier, for the title.
    scale : ndarray of shape (2,), default=None
        The unit of each feature, 0 where it is held fixed; None is 1.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The last of `axes_`.
    axes_ : ndarray of matplotlib Axes
        One for the base classifier and one for each sigma, up to three side by side,
        or a single one for contours.
    figure_ : matplotlib Figure
    surfaces_ : list of matplotlib AxesImage
        The regions.
    contours_ : list of matplotlib ContourSet
        Boundaries of the smoothed regions.
    balls_ : list of matplotlib Circle or Ellipse
        The certified balls, sigma by sigma, of the points that did not abstain.
    legend_ : matplotlib Legend

    See Also
    --------
    sksmooth.shrinkage.region_volume : The size of the regions as numbers.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, section 4.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sksmooth.inspection import DecisionRegionDisplay
    >>> X, y = make_moons(100, noise=0.1, random_state=0)
    >>> tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> display = DecisionRegionDisplay.from_estimator(
    ...     tree, X, y, sigmas=[0.3], points=X[:2], grid_resolution=50)
    >>> display.sources, len(display.balls_)
    (['exact'], 2)
    """

    def __init__(
        self,
        *,
        xx0: NDArray[np.float64],
        xx1: NDArray[np.float64],
        base: NDArray[np.integer],
        shares: NDArray[np.float64],
        sigmas: NDArray[np.float64],
        classes: NDArray[Any],
        sources: list[str],
        points: NDArray[np.float64] | None = None,
        certificates: list[Certificates] | None = None,
        X: NDArray[np.float64] | None = None,
        y: NDArray[np.integer] | None = None,
        feature_names: Sequence[str] = ("feature 0", "feature 1"),
        name: str | None = None,
        scale: NDArray[np.float64] | None = None,
    ) -> None:
        self.xx0 = xx0
        self.xx1 = xx1
        self.base = base
        self.shares = shares
        self.sigmas = sigmas
        self.classes = classes
        self.sources = sources
        self.points = points
        self.certificates = certificates
        self.X = X
        self.y = y
        self.feature_names = feature_names
        self.name = name
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        sigmas: ArrayLike | None = None,
        points: ArrayLike | None = None,
        bounds: tuple[tuple[float, float], tuple[float, float]] | None = None,
        grid_resolution: int = 200,
        source: str = "auto",
        kind: str = "panels",
        name: str | None = None,
        ax: Axes | Sequence[Axes] | NDArray[Any] | None = None,
        despine: bool = False,
        **params: Any,
    ) -> Self:
        """Draw the regions around some samples.

        Parameters
        ----------
        estimator : fitted classifier of two features
            A `SmoothedClassifier`, bare, at the end of a Pipeline or inside a search;
            or any other classifier, to be smoothed. Behind other steps of a Pipeline,
            the picture shows the features after those steps, as that is where
            the noise is added.
        X : array-like of shape (n_samples, 2)
            Samples that the picture is to hold.
        y : array-like of shape (n_samples,), default=None
            Their true labels. If given, the samples are drawn.
        sigmas : float or array-like of shape (n_sigmas,), default=None
            Standard deviations of the noise. None takes the one of `estimator`.
        points : array-like of shape (n_points, 2), default=None
            Samples to certify, their balls to be drawn.
        bounds : ((low, high), (low, high)), default=None
            Limits of the picture in both features. None takes those of `X`, and some
            room around.
        grid_resolution : int, default=200
            Points along the longer side of the picture.
        source : {"auto", "exact", "blur"}, default="auto"
            "exact" computes the votes in closed form, and raises where there is none.
            "blur" evaluates the base classifier on a grid reaching 4.5 sigma beyond
            the picture, and blurs its predictions. "auto" takes the closed form where
            there is one of little cost. Certificates do not depend on it.
        kind : {"panels", "contours"}, default="panels"
            As in `plot`.
        name : str, default=None
            As in `plot`.
        ax : matplotlib Axes or array-like of them, default=None
            As in `plot`.
        despine : bool, default=False
            As in `plot`.
        **params : dict
            Parameters of `SmoothedClassifier`, such as `n_certify`.

        Returns
        -------
        display : DecisionRegionDisplay

        Raises
        ------
        ValueError
            If there are not two features, a value is out of range, or the noise is not
            added to each feature, as that of ``noise="splitting"``.
        """
        check_option("source", source, ("auto", "exact", "blur"))
        check_option("kind", kind, ("panels", "contours"))
        grid_resolution = check_whole_number("grid_resolution", grid_resolution, 2)
        names = getattr(X, "columns", None)
        smoothed, rows = smoothed_copy(estimator, X, params)
        rows = _two_features("X", rows, smoothed)
        if names is None or layers(estimator).transformers:
            names = getattr(smoothed, "feature_names_in_", ("feature 0", "feature 1"))
        if points is not None:
            points = smoothed_copy(estimator, points, params)[1]
            points = _two_features("points", points, smoothed)
        sigmas = _check_sigmas(smoothed.sigma if sigmas is None else sigmas)
        scale = smoothed._scale()
        classes = smoothed.classes_
        truth = None if y is None else true_classes(y, rows, classes)
        for sigma in sigmas.tolist():  # refuses those that floats cannot hold
            smoothed.set_params(sigma=sigma).noise_law(2)
        n_maps = len(sigmas) * len(classes)
        xx0, xx1 = _picture(bounds, rows, grid_resolution, scale, n_maps)
        weights = resolve_vote_weights(smoothed.vote_weights, classes)
        weights = np.ones(len(classes)) if weights is None else weights
        shares, sources, certificates = [], [], []
        for sigma in sigmas.tolist():
            smoothed.set_params(sigma=sigma)
            found, kind_of_source = _shares(smoothed, xx0, xx1, source)
            shares.append(found * weights[:, None, None])
            sources.append(kind_of_source)
            if points is not None:
                certificates.append(smoothed.certify(_named(smoothed, points)))
        return cls(
            xx0=xx0,
            xx1=xx1,
            base=_base_map(smoothed, xx0, xx1),
            shares=np.stack(shares),
            sigmas=sigmas,
            classes=classes,
            sources=sources,
            points=points,
            certificates=certificates or None,
            X=None if y is None else rows,
            y=truth,
            feature_names=tuple(str(n) for n in names),
            name=name,
            scale=scale,
        ).plot(ax, kind=kind, despine=despine)

    def plot(
        self,
        ax: Axes | Sequence[Axes] | NDArray[Any] | None = None,
        *,
        kind: str = "panels",
        name: str | None = None,
        despine: bool = False,
    ) -> Self:
        """Draw the regions.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            Axes to draw in: for "panels" one for the base classifier and one for each
            sigma, for "contours" a single one. None makes a figure. Their aspect is
            set equal, or balls would not be round.
        kind : {"panels", "contours"}, default="panels"
            "panels" draws the regions side by side: base, then each sigma with the
            boundary of the base classifier dashed. "contours" draws the base regions
            once, and the smoothed boundary for each sigma over them.
        name : str, default=None
            Name for the title. None takes the attribute `name`.
        despine : bool, default=False
            Take the top and right spines off.

        Returns
        -------
        self : DecisionRegionDisplay
            The display, drawn.
        """
        self._check_looks(name, despine)
        check_option("kind", kind, ("panels", "contours"))
        n_axes = 1 + len(self.sigmas) if kind == "panels" else 1
        self.axes_, n_columns = self._make_axes(ax, n_axes)
        name = self.name if name is None else name
        self.surfaces_: list[Any] = []
        self.contours_: list[Any] = []
        self.balls_: list[Any] = []
        handles = (self._panels if kind == "panels" else self._overlay)(name)
        for i, panel in enumerate(self.axes_):
            self._axis(panel, i, n_columns)
        self.legend_ = legend_beside(self.axes_[min(n_columns, n_axes) - 1], handles)
        for panel in self.axes_:
            of_panel = [self.legend_] if self.legend_.axes is panel else []
            self._close(panel, despine=despine, beside=of_panel)
        return self

    def _panels(self, name):
        """Draw base and smoothed regions side by side; return handles of the legend."""
        first, base = self.axes_[0], self._base_votes()
        self._fill(first, self.base)
        first.set_title(name or "base classifier")
        self._boundary(first, base, {"linewidths": 1.2})
        self._rows(first)
        for s, panel in enumerate(self.axes_[1:]):
            self._fill(panel, self.shares[s].argmax(axis=0))
            self._boundary(panel, base, {"linewidths": 0.9, "linestyles": "dashed"})
            self.contours_ += self._boundary(panel, self.shares[s], {"linewidths": 1.6})
            self._balls(panel, s, "-")
            if self.points is None:
                self._rows(panel)
            panel.set_title(f"smoothed, σ = {self.sigmas[s]:.4g}")
        return [
            *self._class_handles(self.X is not None),
            *self._line_handles({"base boundary": ((0, (4, 2)), 0.9)}),
            *self._ball_handles(),
        ]

    def _overlay(self, name):
        """Draw all boundaries over the base regions; return handles of the legend."""
        first = self.axes_[0]
        self._fill(first, self.base)
        first.set_title(name or "base regions, smoothed boundaries")
        lines = {}
        for s, sigma in enumerate(self.sigmas):
            dash = _PER_SIGMA[s % len(_PER_SIGMA)]
            style = {"linewidths": 1.8, "linestyles": [dash]}
            self.contours_ += self._boundary(first, self.shares[s], style)
            self._balls(first, s, dash)
            lead = np.unique(self.shares[s].argmax(axis=0))
            # No boundary to be seen: say what there is instead.
            left = f": {self.classes[lead[0]]} everywhere" if len(lead) == 1 else ""
            lines[f"σ = {sigma:.4g}{left}"] = (dash, 1.8)
        if self.points is None:
            self._rows(first)
        return [
            *self._class_handles(self.X is not None and self.points is None),
            *self._line_handles(lines),
            *self._ball_handles(),
        ]

    def _base_votes(self):
        """Labels of the base classifier, as votes of 0 and 1."""
        votes = self.base[None] == np.arange(len(self.classes))[:, None, None]
        return votes.astype(np.float64)

    def _axis(self, panel, i, n_columns):
        """Limits of panel i; names and numbers below and to the left of all panels."""
        panel.set_aspect(self._aspect())
        panel.set_xlim(self._extent()[:2])
        panel.set_ylim(self._extent()[2:])
        if i + n_columns >= len(self.axes_):
            panel.set_xlabel(self.feature_names[0])
        else:
            panel.tick_params(labelbottom=False)
        if i % n_columns == 0:
            panel.set_ylabel(self.feature_names[1])
        else:
            panel.tick_params(labelleft=False)

    def _make_axes(self, ax, n_axes):
        """Axes in a flat array, and the number of columns that they stand in."""
        if ax is not None:
            axes = np.atleast_1d(np.asarray(ax, dtype=object))
            for one in axes.flat:
                if one is None:
                    raise TypeError(f"ax holds None among axes: {ax!r:.200}.")
                self._open(one)
            if len(set(axes.flat)) < axes.size:
                raise ValueError(
                    f"ax holds the same axes more than once: {ax!r:.200}. Give each "
                    "picture axes of its own."
                )
            if axes.size != n_axes:
                raise ValueError(
                    f"ax holds {axes.size} axes; here {n_axes} are drawn in."
                )
            return axes.ravel(), axes.shape[-1]
        left, right, low, high = self._extent()
        width = 3.4 if n_axes > 1 else 5.0
        # More than three side by side would be too small to read on a page.
        n_columns = n_axes if n_axes <= 3 else 2 + (n_axes > 4)
        n_lines = -(-n_axes // n_columns)
        shape = np.clip(self._aspect() * (high - low) / (right - left), 0.3, 2.5)
        # What the pictures take and, if they are small, what the legend takes.
        height = ((width - 0.45) * shape + 0.4) * n_lines + 0.55
        axes = self._open(
            None,
            layout="compressed",  # as the aspect is fixed
            nrows=n_lines,
            ncols=n_columns,
            figsize=(
                width * n_columns + 1.6,
                max(height, 0.22 * (len(self.classes) + 5)),
            ),
        )
        axes = np.atleast_1d(axes).ravel()
        # So that numbers at the ends of neighboring axes do not meet.
        axes[0].figure.get_layout_engine().set(w_pad=0.1)
        for spare in axes[n_axes:]:
            spare.remove()
        for panel in axes[:n_axes]:
            # However large it becomes; else the layout makes room for other numbers
            # than those that are drawn in the end.
            panel.locator_params(nbins=5)
        return axes[:n_axes], n_columns

    def _aspect(self):
        """Length of a unit of the second feature, in units of the first.

        Such that noise of the same size in both looks the same.
        """
        left, right, low, high = self._extent()
        unit0, unit1 = _units(self.scale, right - left, high - low)
        return unit0 / unit1

    def _extent(self):
        """Limits of the picture: half a pixel around its points."""
        half0, half1 = (np.diff(xx[:2])[0] / 2 for xx in (self.xx0, self.xx1))
        return (
            self.xx0[0] - half0,
            self.xx0[-1] + half0,
            self.xx1[0] - half1,
            self.xx1[-1] + half1,
        )

    def _fill(self, ax, labels):
        from matplotlib.colors import ListedColormap

        n_classes = len(self.classes)
        light = [lighten(color, 0.55) for color in colors(n_classes)]
        image = ax.imshow(
            labels,
            cmap=ListedColormap(light),
            vmin=-0.5,
            vmax=n_classes - 0.5,
            extent=self._extent(),
            origin="lower",
            interpolation="nearest",
        )
        self.surfaces_.append(image)

    def _boundary(self, ax, shares, style):
        """Contours where two classes share the lead."""
        drawn = []
        top = shares.argmax(axis=0)
        # Pair by pair, where one of both leads and a pixel around: a boundary drawn
        # twice, once for each side, would fill the gaps of its own dashes.
        for i, j in combinations(np.unique(top).tolist(), 2):
            here = binary_dilation((top == i) | (top == j), np.ones((3, 3)))
            lead = shares[i] - shares[j]
            # A plateau at 0, where a third class has all votes, is no boundary.
            lead = np.ma.masked_array(lead, mask=~here | (lead == 0))
            if lead.min() < 0 < lead.max():
                drawn.append(
                    ax.contour(
                        self.xx0, self.xx1, lead, levels=[0.0], colors="black", **style
                    )
                )
        return drawn

    def _rows(self, ax):
        if self.X is None:
            return
        symbols = markers(len(self.classes))
        for c, color in enumerate(colors(len(self.classes))):
            ax.plot(
                *self.X[self.y == c].T,
                linestyle="none",
                marker=symbols[c],
                markersize=4,
                color=color,
                markeredgecolor="black",
                markeredgewidth=0.4,
            )

    def _balls(self, ax, s, dash):
        if self.points is None:
            return
        from matplotlib.patches import Circle, Ellipse

        certificates = self.certificates[s]
        unit0, unit1 = (1.0, 1.0) if self.scale is None else self.scale
        style = {"fill": False, "linewidth": 1.3, "linestyle": dash}
        for point, radius, abstained in zip(
            self.points, certificates.radius, certificates.abstained, strict=True
        ):
            ax.plot(*point, marker="x" if abstained else ".", color="black")
            if not abstained:
                if self.scale is None:
                    ball = Circle(point, radius, **style)
                else:
                    axes = 2 * radius * unit0, 2 * radius * unit1
                    ball = Ellipse(point, *axes, **style)
                self.balls_.append(ax.add_patch(ball))

    def _class_handles(self, with_markers):
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        symbols = markers(len(self.classes))
        handles = []
        for c, color in enumerate(colors(len(self.classes))):
            label = str(self.classes[c])
            patch = Patch(
                facecolor=lighten(color, 0.55), edgecolor="black", linewidth=0.4
            )
            if with_markers:
                patch = Line2D(
                    [],
                    [],
                    color=lighten(color, 0.55),
                    linewidth=11,
                    solid_capstyle="butt",
                    marker=symbols[c],
                    markersize=5,
                    markerfacecolor=color,
                    markeredgecolor="black",
                    markeredgewidth=0.4,
                )
            patch.set_label(label)
            handles.append(patch)
        return handles

    def _line_handles(self, lines):
        from matplotlib.lines import Line2D

        return [
            Line2D([], [], color="black", linestyle=dash, linewidth=width, label=label)
            for label, (dash, width) in lines.items()
        ]

    def _ball_handles(self):
        if self.points is None:
            return []
        from matplotlib.lines import Line2D

        style = {"linestyle": "none", "color": "black"}
        handles = [
            Line2D(
                [],
                [],
                marker="o",
                markersize=11,
                markerfacecolor="none",
                label="certified ball",
                **style,
            )
        ]
        if any(c.abstained.any() for c in self.certificates):
            handles.append(Line2D([], [], marker="x", label="abstains", **style))
        return handles


def _check_sigmas(sigmas):
    given, sigmas = sigmas, np.atleast_1d(real_numbers("sigmas", sigmas))
    if sigmas.ndim != 1 or not sigmas.size:
        raise ValueError(
            f"sigmas must be a number or a list of numbers, got {given!r:.200}."
        )
    if not (np.isfinite(sigmas) & (sigmas > 0)).all():
        raise ValueError(f"sigmas must be finite numbers > 0, got {listed(sigmas)}.")
    return sigmas


def _two_features(name, samples, smoothed):
    try:
        rows = real_numbers(name, samples)
    except TypeError:
        raise ValueError(
            f"{name} must have two features that are numbers to be drawn. Of other "
            "features use shrinkage_curve."
        ) from None
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(
            f"{name} must have two features to be drawn, got shape {rows.shape}. Of "
            "more features use shrinkage_curve or region_volume."
        )
    if len(rows) == 0 or not np.isfinite(rows).all():
        raise ValueError(f"{name} must hold at least one sample, of finite numbers.")
    known = getattr(smoothed, "feature_names_in_", None)
    if (
        known is not None
        and hasattr(samples, "columns")
        and not takes_frame(smoothed.estimator_, samples[:1])
    ):
        raise ValueError(
            f"{name} has the columns {listed(samples.columns)}, which are not those "
            f"that the classifier was fitted on: pass {listed(known)}, in this order."
        )
    return rows


def _picture(bounds, rows, resolution, scale, n_maps):
    """Points of a grid of pixels, which are square in units of the scale.

    There have to be `n_maps` numbers for each of them in memory.
    """
    if bounds is None:
        low, high = rows.min(axis=0), rows.max(axis=0)
        units = _units(scale, *(high - low))
        room = 0.12 * ((high - low) / units).max() * units
        room = np.where(room > 0, room, units)
        low, high = low - room, high + room
    else:
        low, high = _check_bounds(bounds)
        units = _units(scale, *(high - low))
    pixel = ((high - low) / units).max() / resolution * units
    counts = np.maximum(2, np.rint((high - low) / pixel)).astype(int)
    n_bytes = 8 * n_maps * math.prod(counts.tolist())
    check_memory("grid_resolution", resolution, n_bytes, "use fewer points")
    edges = [np.linspace(*ends) for ends in zip(low, high, counts + 1, strict=True)]
    smallest = np.finfo(np.float64).tiny
    if any((np.diff(each) <= smallest).any() for each in edges):
        raise ValueError(
            f"a picture from {low.tolist()} to {high.tolist()} has no floats for "
            f"{resolution} points along a side; use wider bounds, or a smaller "
            "grid_resolution."
        )
    return tuple((e[1:] + e[:-1]) / 2 for e in edges)


def _check_bounds(bounds):
    """Lower and upper limits of a picture, from those of each feature."""
    needed = "((low, high), (low, high)) of finite numbers"
    limits = real_numbers("bounds", bounds, needed)
    if limits.shape != (2, 2) or not (limits[:, 0] < limits[:, 1]).all():
        raise ValueError(
            "bounds must be ((low, high), (low, high)) with low < high, got "
            f"{bounds!r:.200}."
        )
    with np.errstate(over="ignore"):
        width = limits[:, 1] - limits[:, 0]
    if not np.isfinite(width).all():
        raise ValueError(
            f"bounds must be {needed}, not too large, got {bounds!r:.200}."
        )
    return limits.T


def _units(scale, width, height):
    """Length along each feature that is to look the same.

    A feature that is held fixed has no unit: the picture is then a square.
    """
    if scale is None:
        return np.ones(2)
    units = np.array(scale, dtype=np.float64)
    lengths = np.array([width, height])
    fixed = units == 0
    if fixed.any() and (lengths > 0).all():
        units[fixed] = units[~fixed] * lengths[fixed] / lengths[~fixed]
    return np.where(units > 0, units, 1.0)


def _named(smoothed, rows):
    """Samples in the form that `fit` was given, with feature names if it has any."""
    if smoothed._as_frame is not None:
        return smoothed._as_frame(rows)
    names = getattr(smoothed, "feature_names_in_", None)
    return rows if names is None else frame_like(rows, names)


def _grid_rows(xx0, xx1):
    return np.stack(np.meshgrid(xx0, xx1), axis=-1).reshape(-1, 2)


def _base_map(smoothed, xx0, xx1):
    """Position of the base classifier's prediction at each point of a grid."""
    rows = _grid_rows(xx0, xx1)
    answers = np.concatenate(
        [
            base_labels(smoothed, _named(smoothed, rows[i : i + _BATCH]))
            for i in range(0, len(rows), _BATCH)
        ]
    )
    return class_index(answers, smoothed.classes_).reshape(len(xx1), len(xx0))


def _shares(smoothed, xx0, xx1, source):
    """Shares of the votes at each point of the picture, and where they come from."""
    rows = _named(smoothed, _grid_rows(xx0, xx1))
    if source == "exact" or (source == "auto" and _is_cheap_exactly(smoothed, rows)):
        shares = copy(smoothed).set_params(method="exact").predict_proba(rows)
        return shares.T.reshape(-1, len(xx1), len(xx0)), "exact"
    if smoothed.noise not in ADDITIVE_LAWS:
        raise ValueError(
            f"noise={smoothed.noise!r} has no picture of its decision regions: its "
            f"noise is not added to the features. Use one of {sorted(ADDITIVE_LAWS)}."
        )
    scale = smoothed._scale()
    deviations = smoothed.sigma * (np.ones(2) if scale is None else scale)
    grid = list(zip((xx0, xx1), deviations.tolist(), strict=True))
    edges = [_blur_edges(xx, sigma) for xx, sigma in grid]
    labels = _base_map(smoothed, *((e[1:] + e[:-1]) / 2 for e in edges))
    law = ADDITIVE_LAWS[smoothed.noise](1.0)
    weigh0, weigh1 = (
        _blur_weights(xx, e, sigma, law)
        for (xx, sigma), e in zip(grid, edges, strict=True)
    )
    return (
        np.stack(
            [weigh1 @ (labels == c) @ weigh0.T for c in range(len(smoothed.classes_))]
        ),
        "blur",
    )


def _is_cheap_exactly(smoothed, rows):
    """Whether there is a closed form that computes the votes of `rows` soon enough."""
    few = rows[:: max(1, len(rows) // 64)]
    try:
        source = copy(smoothed).set_params(method="exact").vote_source(few)
    except ValueError:  # there is none
        return False
    return source.seconds_per_sample * len(rows) < _MOST_SECONDS


def _blur_edges(xx, sigma):
    """Edges, along one feature, of the cells where the base classifier is evaluated.

    Finer than the picture where sigma is small, coarser outside of it where large.
    """
    pixel = xx[1] - xx[0]
    low, high = xx[0] - pixel / 2, xx[-1] + pixel / 2
    if sigma == 0:
        return np.linspace(low, high, len(xx) + 1)
    wanted = int(np.ceil(_CELLS_PER_SIGMA * (high - low) / sigma))
    inner = np.linspace(low, high, np.clip(wanted, len(xx), 2 * len(xx)) + 1)
    step = max(inner[1] - inner[0], sigma / _CELLS_PER_SIGMA)
    outer = step * np.arange(1, int(np.ceil(_REACH * sigma / step)) + 1)
    return np.concatenate([low - outer[::-1], inner, high + outer])


def _blur_weights(xx, edges, sigma, law):
    """Probability that noise carries each point into each cell, (n_points, n_cells).

    Noise is independent in both features, so that two products of matrices blur the
    map, cells of any width included. The outermost cells reach to infinity.
    """
    if sigma == 0:
        return np.eye(len(xx))
    # Noise is symmetric: it stays below what its negative exceeds.
    inside = np.exp(law.log_tail((xx[:, None] - edges[1:-1]) / sigma))
    return np.diff(inside, axis=1, prepend=0.0, append=1.0)
