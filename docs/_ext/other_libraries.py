# SPDX-License-Identifier: BSD-3-Clause
"""Links to the pages of other libraries, made from names and not from inventories.

Inventories would have to be fetched at every build. The addresses follow from the names
instead; that a name exists is checked by importing it, so a typing error is a warning
like that for one of our own names.
"""

from pkgutil import resolve_name

from docutils import nodes

PAGES = {
    "joblib": "https://joblib.readthedocs.io/en/stable/generated/{page}.html",
    "matplotlib": "https://matplotlib.org/stable/api/_as_gen/{page}.html",
    "numpy": "https://numpy.org/doc/stable/reference/generated/{page}.html",
    "pandas": "https://pandas.pydata.org/docs/reference/api/{page}.html",
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{page}.html",
    "skorch": "https://skorch.readthedocs.io/en/stable/{module}.html",
    "torch": "https://docs.pytorch.org/docs/stable/generated/{page}.html",
}
# Not on a page of its own.
PAGES["torch.autocast"] = "https://docs.pytorch.org/docs/stable/amp.html"


def link(app, env, node, content):
    """Resolve a reference that none of our own pages resolves."""
    name = node.get("reftarget", "")
    library = name.partition(".")[0]
    if node.get("refdomain") != "py" or library not in PAGES:
        return None
    try:
        target = resolve_name(name)
    except (AttributeError, ImportError):
        return None
    page, anchor, module = name, name, ""
    if node["reftype"] in ("meth", "attr"):  # on the page of its class
        page = name.rpartition(".")[0]
    if library == "skorch":  # a page for each module, and names where they are defined
        anchor = f"{target.__module__}.{target.__qualname__}"
        module = target.__module__.partition(".")[2]
    address = PAGES.get(name, PAGES[library]).format(page=page, module=module)
    reference = nodes.reference("", "", internal=False, refuri=f"{address}#{anchor}")
    reference += content
    return reference


def setup(app):
    """Look here after Sphinx has looked in its own pages."""
    app.connect("missing-reference", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
