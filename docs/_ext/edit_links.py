# SPDX-License-Identifier: BSD-3-Clause
"""The link "Edit on GitHub" leads to the file that a page is made from."""

MADE = ("auto_examples/", "reference/")
NO_FILE = ("search", "genindex", "py-modindex")


def leave_out_what_is_made(app, pagename, templatename, context, doctree):
    """Take the link off pages that have no file of their own to edit."""
    if pagename.startswith(MADE) or pagename in NO_FILE:
        context["theme_use_edit_page_button"] = False


def setup(app):
    """Decide page by page, before the theme does."""
    app.connect("html-page-context", leave_out_what_is_made, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
