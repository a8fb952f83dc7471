# SPDX-License-Identifier: BSD-3-Clause
"""Certificates as a notebook shows them: the first samples in an HTML table."""

from html import escape

_MOST_ROWS = 10


def certificates_html(certificates):
    """Return an HTML table of the first samples, under the text of `repr`."""
    first = certificates[:_MOST_ROWS]
    names = range(len(first)) if first.index is None else first.index.tolist()
    columns = zip(
        names,
        first.label.tolist(),
        first.radius.tolist(),
        first.abstained.tolist(),
        first.p_lower.tolist(),
        strict=True,
    )
    rows = [
        (name, "abstains" if abstained else label, f"{radius:.4g}", f"{p_lower:.4g}")
        for name, label, radius, abstained, p_lower in columns
    ]
    headings = ("", "label", "certified radius", "p, lower bound")
    left = len(certificates) - len(first)
    return "\n".join(
        [
            "<table>",
            f"<caption>{escape(repr(certificates))}</caption>",
            f"<thead>{_line(headings, 'th')}</thead>",
            "<tbody>",
            *(_line(row, "td") for row in rows),
            "</tbody>",
            "</table>",
            *([f"<p>and {left:,} more</p>"] if left else []),
        ]
    )


def _line(cells, tag):
    first, *rest = (escape(str(cell)) for cell in cells)
    return f"<tr><th>{first}</th>{''.join(f'<{tag}>{c}</{tag}>' for c in rest)}</tr>"
