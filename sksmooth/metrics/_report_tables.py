# SPDX-License-Identifier: BSD-3-Clause
"""The class-wise report as a table: text, HTML or a pandas DataFrame."""

import math
import textwrap
from html import escape

import numpy as np

_TOTALS = ("overall", "worst", "range")


class ClasswiseReport(str):
    """The text of a report, which a notebook shows as an HTML table."""

    html: str

    def __new__(cls, text, html=""):
        """Return the text with its HTML table."""
        self = super().__new__(cls, text)
        self.html = html
        return self

    def _repr_html_(self):
        return self.html


def report_frame(report):
    """Return the report as a pandas DataFrame; pandas is loaded here only."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            'classwise_report(output="frame") needs pandas: pip install pandas.'
        ) from error
    titles, rows = zip(*_rows(report), strict=True)
    frame = pd.DataFrame(list(rows), index=pd.Index(titles, name="class", dtype=object))
    frame["support"] = frame["support"].astype("Int64")  # <NA> in worst and range
    frame.attrs.update(report["settings"])
    return frame


def report_text(report, names):
    """Return the report as text to print."""
    lines = _cells(report, names)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in lines
    ]
    for position in (-len(_TOTALS), 1):  # blank lines as in classification_report
        table.insert(position, "")
    text = "\n".join([*_header(report), "", *table, "", *_notes(report)]) + "\n"
    return ClasswiseReport(text, report_html(report, names))


def report_html(report, names):
    """Return the report as an HTML table."""
    headings, *lines = _cells(report, names)

    def row(cells, *, tag="td", rule=False):
        style = ' style="border-top: 1px solid"' if rule else ""
        first, *rest = (escape(cell.strip()) for cell in cells)
        cells = "".join(f"<{tag}>{cell}</{tag}>" for cell in rest)
        return f"<tr{style}><th>{first}</th>{cells}</tr>"

    body = [
        row(line, rule=i == len(lines) - len(_TOTALS)) for i, line in enumerate(lines)
    ]
    return "\n".join(
        [
            "<table>",
            f"<caption>{'<br/>'.join(map(escape, _header(report)))}</caption>",
            f"<thead>{row(headings, tag='th')}</thead>",
            "<tbody>",
            *body,
            "</tbody>",
            "</table>",
            f"<p>{'<br/>'.join(map(escape, _notes(report)))}</p>",
        ]
    )


def _rows(report):
    """The rows of the table in order, as (title, row) pairs."""
    rows = list(report["by_class"].items())
    return rows + [(title, report[title]) for title in _TOTALS]


def _cells(report, names):
    """The table as lists of str: the headings, then one list for each row."""
    overall = report["overall"]
    headings = {
        "support": "support",
        "base_accuracy": "base acc",
        **{name: f"acc at r={radius:.12g}" for radius, name in names.items()},
        "abstention_rate": "abstains",
        "predicted_share": "predicted",
        "average_certified_radius": "ACR" if _is_exact(report) else "ACR >=",
    }
    headings = {name: text for name, text in headings.items() if name in overall}
    decimals = dict.fromkeys(headings, 3)
    decimals["average_certified_radius"] = _radius_decimals(
        [row["average_certified_radius"] for _, row in _rows(report)],
        overall["average_certified_radius"],
    )

    def cell(row, name):
        value = row.get(name, np.nan)
        if np.isnan(value):
            text = "-"
        elif name == "support":
            text = f"{value:d}"
        else:
            text = f"{value:.{decimals[name]}f}"
        if f"{name}_low" not in overall:
            return text
        low = row.get(f"{name}_low", np.nan)
        if np.isnan(low):
            return text + " " * len(" [0.000, 1.000]")  # keep the shares in line
        return f"{text} [{low:.3f}, {row[f'{name}_high']:.3f}]"

    body = [
        [str(title), *(cell(row, name) for name in headings)]
        for title, row in _rows(report)
    ]
    return [["", *headings.values()], *body]


def _radius_decimals(radii, overall):
    """Decimals for a column of radii, which may be in any unit.

    Three, as papers print; fewer for radii of 100 and more, and more for small ones:
    the overall radius always keeps three significant digits.
    """
    largest = max(np.nan_to_num(radii))
    places = min(3, 4 - _exponent(largest)) if largest >= 100 else 3
    if overall > 0:
        places = max(places, 2 - _exponent(overall))
    return max(0, places)


_MOST_NAMES = 6  # of features that take noise, in the heading
_WIDTH = 100  # of the lines of the heading


def _exponent(value):
    return math.floor(math.log10(value))


def _is_exact(report):
    """Whether radii are the largest certified ones, not the largest requested."""
    return report["settings"]["radii"] is None


def _header(report):
    settings = report["settings"]
    return [
        f"Certified accuracy by class: {settings['n_samples']} samples, "
        f"{_strength(settings)} ({settings['noise']} noise), "
        f"{_stated('alpha', settings['alpha'])}, method={settings['method']}",
        *textwrap.wrap(_space(settings), _WIDTH, subsequent_indent="  "),
    ]


def _strength(settings):
    """The parameters of the noise."""
    parts = [_stated("sigma", settings["sigma"])] if settings["norm"] else []
    if settings["probability"] is not None:
        parts.append(_stated("probability", settings["probability"]))
    return ", ".join(parts)


def _stated(name, value):
    # Published logs do not say it.
    return f"{name} unknown" if np.isnan(value) else f"{name}={value:g}"


def _space(settings):
    """Say what a radius is about."""
    if not settings["norm"]:
        if settings["noise"] == "token_deletion":
            return "Radii r in words that are added or deleted"
        return "Radii r in categories that change; all numbers are held fixed"
    line = f"Radii r in l{settings['norm']:g} and, as sigma, in the units of "
    if settings["scale"] is None:
        line += "the X given to certify"
    else:
        scale = settings["scale"]
        noisy = [at for at, unit in enumerate(scale) if unit > 0]
        names = settings["features"] or range(len(scale))
        shown = ", ".join(str(names[at]) for at in noisy[:_MOST_NAMES])
        more = ", ..." if len(noisy) > _MOST_NAMES else ""
        line += f"feature_scale, over {len(noisy)} of {len(scale)} features"
        line += (
            f" ({shown}{more}); the others are held fixed"
            if (len(noisy) < len(scale))
            else ""
        )
    if settings["whole"]:
        line += ", of which samples are whole multiples"
    if settings["denoiser"] is not None:
        line += f"; behind denoiser={settings['denoiser']}"
    return line


def _notes(report):
    bound = "" if _is_exact(report) else "; a lower bound, as only `radii` were decided"
    return [
        "acc at r: right and certified within r [95 % Clopper-Pearson interval];",
        "  an abstention counts as an error",
        "abstains: no certificate",
        "predicted: share of samples certified with this label; overall 1 - abstains",
        f"ACR: average certified radius, 0 where wrong or abstained{bound}",
        "worst, range: over the classes with samples",
    ]
