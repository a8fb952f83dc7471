# SPDX-License-Identifier: BSD-3-Clause
"""The API reference, made from the `__all__` of the public rooms.

`_templates/reference.rst` is its text, and a line ``.. page: name`` begins a page of
its own there: the sidebar lists these pages, and the names of a room when it is
unfolded. Which names are public, `tests/public_names.py` says; one that the text has no
place for stops the build.
"""

import re
from pathlib import Path

from jinja2 import Template
from sphinx.errors import ExtensionError

from tests.public_names import PUBLIC, names_of


def write_reference(app, config):
    """Render the template into reference/index.rst and the pages of the rooms."""
    left = {room: sorted(set(names_of(room)) - {"__version__"}) for room in PUBLIC}
    public = {f"{room}.{name}" for room, names in left.items() for name in names}

    def table(room, prefix=""):
        names = [name for name in left[room] if name.startswith(prefix)]
        if not names:
            raise ExtensionError(f"nothing is left of {room} for {prefix!r}")
        left[room] = [name for name in left[room] if name not in names]
        return "\n".join(
            [
                f".. currentmodule:: {room}",
                ".. autosummary::",
                "   :toctree: generated",
                "   :nosignatures:",
                "",
                *(f"   {name}" for name in names),
            ]
        )

    source = Path(app.srcdir)
    template = Template((source / "_templates/reference.rst").read_text("utf-8"))
    text = template.render(table=table) + "\n"
    if any(left.values()):
        raise ExtensionError(f"_templates/reference.rst has no place for {left}")
    index, *parts = re.split(r"^\.\. page: (\S+)\n", text, flags=re.MULTILINE)
    pages = {"index": index, **dict(zip(parts[::2], parts[1::2], strict=True))}
    folder = source / "reference"
    folder.mkdir(exist_ok=True)
    for name, content in pages.items():
        page = folder / f"{name}.rst"
        if not page.exists() or page.read_text("utf-8") != content:
            page.write_text(content, "utf-8")
    for page in folder.glob("*.rst"):
        if page.stem not in pages:
            page.unlink()
    for page in folder.glob("generated/*.rst"):
        if page.stem not in public:  # a name that is gone
            page.unlink()


def is_not_ours(app, what, name, obj, skip, options):
    """Leave out methods that scikit-learn and skorch document."""
    if what != "class" or skip:
        return None
    function = getattr(obj, "fget", obj)
    function = getattr(function, "__func__", function)
    module = getattr(function, "__module__", None)
    ours = module is None or module.partition(".")[0] == "sksmooth"
    return None if ours else True


def setup(app):
    """Write the page before Sphinx looks which pages there are."""
    app.connect("config-inited", write_reference)
    app.connect("autodoc-skip-member", is_not_ours)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
