# SPDX-License-Identifier: BSD-3-Clause
"""The interactive figure, a page of its own beside those that Sphinx writes."""

from pathlib import Path

NAME = "interactive_figure.html"


def write_figure(app, exception):
    """Compute the figure and write it into the site."""
    if exception is None and app.builder.format == "html":
        # Here, as it needs scikit-learn: other builders do not.
        import interactive_figure

        interactive_figure.write(Path(app.outdir, NAME))


def setup(app):
    """Write the figure when the pages are there."""
    app.connect("build-finished", write_figure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
