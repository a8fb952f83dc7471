# SPDX-License-Identifier: BSD-3-Clause
"""Colors, legends and labels that keep apart, for all displays."""

import numpy as np
from sklearn.isotonic import isotonic_regression

from sksmooth._estimators import require

# M. A. Petroff, "Accessible Color Sequences for Data Visualization", arXiv 2107.02270:
# ten colors that stay apart with any kind of color vision. Overall is drawn black.
_PETROFF = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
# So that neighbors in the sequence, and classes ten apart, differ without color.
_DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_MARKERS = "os^DvPX<>"
OVERALL = {"color": "black", "linewidth": 3.0, "zorder": 3}
# More colors than this are hard to tell apart.
MOST_COLORS = 5
GREY = "0.72"


def import_pyplot(caller):
    """Return `matplotlib.pyplot`, or say how to get it."""
    return require("matplotlib.pyplot", f"{caller}.plot", extra="plot")


def get_axes(caller, ax, *, layout="constrained", **figure_kwargs):
    """Return `ax`, or the axes of a new figure that makes room for its legends."""
    plt = import_pyplot(caller)
    if ax is None:
        return plt.subplots(layout=layout, **figure_kwargs)[1]
    if not (hasattr(ax, "get_figure") and hasattr(ax, "plot")):
        raise TypeError(f"ax must be axes of matplotlib or None, got {ax!r:.200}.")
    if ax.name != "rectilinear":
        raise TypeError(
            f"ax must be axes with two straight sides, got {ax!r:.200}, whose "
            f"projection is {ax.name!r}."
        )
    return ax


def colors(n_classes):
    """One color for each class."""
    return [_PETROFF[i % len(_PETROFF)] for i in range(n_classes)]


def line_styles(n_classes):
    """Color and dashes for each class, as keywords of `plot`."""
    return [
        # One dash further after ten, where colors begin again.
        {"color": color, "linestyle": _DASHES[(i + i // 10) % len(_DASHES)]}
        for i, color in enumerate(colors(n_classes))
    ]


def class_styles(n_classes, order):
    """Look of each class as keywords of `plot`; of many, most are gray.

    `order` holds the positions of the classes that are drawn, from the best to the
    worst. If there are more than `MOST_COLORS`, only the first and the last have a
    color, and the dashes of the others still tell neighbors apart.
    """
    styles = [
        {"linewidth": 1.6, "zorder": 2.5, **style} for style in line_styles(n_classes)
    ]
    if len(order) > MOST_COLORS:
        for c in order[1:-1]:
            styles[c] |= {"linewidth": 1.0, "zorder": 2.2, "color": GREY}
        # Two colors that are far from gray, which those of some classes are not.
        styles[order[0]]["color"], _, styles[order[-1]]["color"] = colors(3)
    return styles


def class_handles(lines):
    """Entries of a legend for the lines of classes, from the best to the worst.

    The gray lines of many classes share one entry.
    """
    if len(lines) <= MOST_COLORS:
        return lines
    from matplotlib.lines import Line2D

    others = f"{len(lines) - 2} classes between"
    return [
        lines[0],
        Line2D([], [], color=GREY, linewidth=1.0, label=others),
        lines[-1],
    ]


def markers(n_classes):
    """One marker for each class."""
    return [_MARKERS[(i + i // 10) % len(_MARKERS)] for i in range(n_classes)]


def lighten(color, amount):
    """Mix a color with white, as an RGB tuple: 0 leaves it, 1 is white."""
    from matplotlib.colors import to_rgb

    return tuple(np.array(to_rgb(color)) * (1 - amount) + amount)


def legend_beside(ax, handles, title=None):
    """Legend to the right of the axes, where no data can be."""
    return ax.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        frameon=False,
        alignment="left",
        handlelength=2.6,
        ncols=1 + (len(handles) - 1) // 22,
    )


def legend_below(ax, handles, *, ncols):
    """Legend below the axis label, where no data can be.

    In fewer columns than `ncols` where these would be wider than the axes, beside
    which there may be others.
    """
    for n in range(ncols, 0, -1):
        legend = ax.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            bbox_transform=shifted(ax.transAxes, ax, y=-36),
            borderaxespad=0.0,
            frameon=False,
            ncols=n,
        )
        most = 1.15 * ax.get_window_extent().width
        if legend.get_window_extent().width <= most:
            break
    return legend


def shifted(transform, ax, x=0.0, y=0.0):
    """Add a shift, in points, to a transform."""
    from matplotlib.transforms import ScaledTranslation

    return transform + ScaledTranslation(x / 72, y / 72, ax.figure.dpi_scale_trans)


def spread_apart(values, gap, low, high):
    """Move values as little as order allows until they are `gap` apart in [low, high].

    Where they do not fit, they share the room evenly.
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n > 1:
        gap = min(gap, (high - low) / (n - 1))
    order = np.argsort(values, kind="stable")
    # Subtracting the gaps turns the task into isotonic regression.
    steps = gap * np.arange(n)
    fitted = isotonic_regression(values[order] - steps)
    moved = np.empty(n)
    moved[order] = np.clip(fitted, low, high - steps[-1] if n else high) + steps
    return moved


def noise_name(sigma):
    """Part of a title that says how much noise there was; empty if unknown."""
    return "" if np.isnan(sigma) else f"σ = {sigma:.4g}"
