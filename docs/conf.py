# SPDX-License-Identifier: BSD-3-Clause
"""The documentation site: `make docs` builds it, without network, into docs/_build."""

import sys
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

import sksmooth

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE), str(HERE.parent)]

project = "sksmooth"
author = "the sksmooth developers"
copyright = author
version = release = sksmooth.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "edit_links",
    "gallery",
    "interactive",
    "mathml",
    "other_libraries",
    "reference_page",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "guide/_*"]
default_role = "literal"
# A name that cannot be resolved is an error, also one of scikit-learn.
nitpicky = True
html_math_renderer = "mathml"

autosummary_generate = True
autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

# Copied is what can be run: no prompts and no output.
copybutton_exclude = ".linenos, .gp, .go"

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

sphinx_gallery_conf = {
    "doc_module": "sksmooth",
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "reference/examples",
    "subsection_order": ExplicitOrder(
        ["../examples/start", "../examples/geometry", "../examples/classes", "*"]
    ),
    "within_subsection_order": "FileNameSortKey",
    # What is not a plot_*.py, such as the demo, stays out of the gallery altogether.
    "ignore_pattern": r"^(?!plot_)",
    # An example that gives a warning fails, as a test does.
    "reset_modules": ("matplotlib", "gallery.warnings_are_errors"),
    "reset_modules_order": "both",
    "image_srcset": ["2x"],
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
}

# The figures of the guide are drawn by the code above them.
plot_include_source = True
plot_html_show_formats = plot_html_show_source_link = False
plot_formats = [("png", 150)]
plot_apply_rcparams = True
plot_rcparams = {"savefig.bbox": "tight"}

html_theme = "pydata_sphinx_theme"
html_title = f"sksmooth {release}"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["sksmooth.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {
    "default_mode": "auto",
    "github_user": "sksmooth",
    "github_repo": "sksmooth",
    "github_version": "main",
    "doc_path": "docs",
}
html_theme_options = {
    "logo": {"text": "sksmooth"},
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "switcher": {"json_url": "_static/switcher.json", "version_match": release},
    "check_switcher": False,
    "icon_links": [
        {
            "name": "Source",
            "url": "https://github.com/sksmooth/sksmooth",
            "icon": "fa-brands fa-github",
        }
    ],
    "use_edit_page_button": True,
    "navbar_persistent": ["search-button"],
    # On a phone these are in the menu, beside which there is no room.
    "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_center": [],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc", "edit-this-page"],
}
# Pages that stand alone need no list of the pages beside them.
ALONE = (
    "index",
    "install",
    "quick_start",
    "comparison",
    "cite",
    "faq",
    "glossary",
    "whats_new",
    "references",
)
html_sidebars = {page: [] for page in ALONE}
