# SPDX-License-Identifier: BSD-3-Clause
"""What all displays do: open axes, write the title, make room for the legend."""

from typing import Any, Self
from weakref import WeakKeyDictionary

from sksmooth._arguments import check_flag
from sksmooth.inspection._drawing import get_axes, noise_name

# However long the legend is, this much of the width and height is left to the data.
_LEAST_SHARE = 0.3
# The space that axes were given, and the position that was set here, so that several
# displays in the same axes do not make them smaller and smaller.
_SLOTS: WeakKeyDictionary[Any, tuple[Any, Any]] = WeakKeyDictionary()


class _DisplayBase:
    """Axes, title and legend of a display.

    A display draws in three steps, each a method of its own: the curves or bars, their
    intervals, the legend. It begins with `_open` and ends with `_close`.
    """

    name: str | None
    ax_: Any
    figure_: Any

    def _check_looks(self, name, despine, legend=True):
        """Refuse what cannot be drawn, before anything is."""
        for text in (name, self.name):
            if not (text is None or isinstance(text, str)):
                raise TypeError(f"name must be a text or None, got {text!r:.200}.")
        check_flag("despine", despine)
        check_flag("legend", legend)

    def _open(self, ax, **figure_kwargs):
        """Return `ax`, or the axes of a new figure."""
        return get_axes(type(self).__name__, ax, **figure_kwargs)

    def _title(self, name, sigma):
        """Title from the name of the classifier and the noise, as far as known."""
        parts = [self.name if name is None else name, noise_name(sigma)]
        return ", ".join(part for part in parts if part)

    def _close(self, ax, *, despine, title="", beside=()) -> Self:
        """Finish axes: title, spines, and room for what stands `beside` the data."""
        ax.set_axisbelow(True)  # the grid
        if despine:
            ax.spines[["top", "right"]].set_visible(False)
        if title:
            ax.set_title(title)
        make_room(ax, [artist for artist in beside if artist is not None])
        self.ax_, self.figure_ = ax, ax.figure
        return self


def make_room(ax, artists):
    """Shrink axes so that what stands beside them stays in the space they were given.

    Figures with a layout engine, as those made by the displays, do this themselves.
    Axes that a user has made usually have none, and a legend beside them would be cut
    off or cover the next axes.
    """
    # A subfigure has the layout engine of the figure that holds it.
    figure = ax.get_figure()
    while getattr(figure, "figure", figure) is not figure:
        figure = figure.figure
    if figure.get_layout_engine() is not None or not artists:
        return
    position = ax.get_position(original=True)
    slot, set_here = _SLOTS.get(ax, (position, position))
    if position.bounds != set_here.bounds:  # moved since
        slot = position
    ax.set_position(slot)
    ax.apply_aspect()
    # Without a renderer: not every canvas has one to give.
    boxes = [artist.get_window_extent() for artist in artists]
    inner = ax.get_window_extent()
    right = max(0.0, max(box.x1 for box in boxes) - inner.x1) / inner.width
    below = max(0.0, inner.y0 - min(box.y0 for box in boxes)) / inner.height
    above = max(0.0, max(box.y1 for box in boxes) - inner.y1) / inner.height
    width = slot.width * max(_LEAST_SHARE, 1 - right)
    height = slot.height * max(_LEAST_SHARE, 1 - below - above)
    bottom = slot.y0 + min(below * slot.height, slot.height - height)
    ax.set_position([slot.x0, bottom, width, height])
    _SLOTS[ax] = slot, ax.get_position(original=True)
