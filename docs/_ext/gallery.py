# SPDX-License-Identifier: BSD-3-Clause
"""What the gallery does beyond Sphinx-Gallery."""

import warnings
from pathlib import Path


def warnings_are_errors(gallery_conf, script, when):
    """Let an example that gives a warning fail, as a test does."""
    if when == "before":
        warnings.simplefilter("error")
    else:
        warnings.resetwarnings()


def forget_examples_that_are_gone(app, config):
    """Remove the pages of scripts that were removed or renamed."""
    pages = Path(app.srcdir, config.sphinx_gallery_conf["gallery_dirs"])
    scripts = Path(app.srcdir, config.sphinx_gallery_conf["examples_dirs"])
    for page in pages.glob("*/plot_*.rst"):
        if not (scripts / page.relative_to(pages)).with_suffix(".py").exists():
            for made in page.parent.glob(f"{page.stem}.*"):
                made.unlink()


def setup(app):
    """Clean up before Sphinx looks which pages there are."""
    app.connect("config-inited", forget_examples_that_are_gone)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
