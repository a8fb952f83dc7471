# SPDX-License-Identifier: BSD-3-Clause
"""One table of how each class fares under smoothing."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sksmooth.bounds import share_interval
from sksmooth.certificates import Certificates, check_radii, class_index
from sksmooth.metrics._scores import (
    check_asked,
    check_known,
    check_rows,
    is_right,
    mean_by_class,
    spread,
)


def score_name(radius, n_radii):
    """Name of the certified accuracy at `radius`, one of `n_radii` radii."""
    # 12 digits: enough to tell radii apart, too few for 0.30000000000000004.
    return "certified_accuracy" + (f"_at_{radius:.12g}" if n_radii > 1 else "")


def classwise_report(
    y_true: ArrayLike,
    certificates: Certificates,
    *,
    radii: Sequence[float] = (0.0,),
    y_base: ArrayLike | None = None,
    output: str = "text",
) -> Any:
    """Report how each class fares: accuracy, abstention, share and radius.

    Smoothing costs the classes unequally: regions shrink as sigma grows, and may
    vanish [1]_. A single accuracy hides this; the table shows each class, then
    `overall` (over rows), `worst` and `range` (over classes with at least one row:
    the least accuracy or radius and the most abstention; the largest value minus the
    smallest).

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        True labels, all among ``certificates.classes``.
    certificates : Certificates
        What `SmoothedClassifier.certify` returned for the same rows.
    radii : sequence of float, default=(0.0,)
        Radii >= 0 to give the certified accuracy at, in the units of X. Certificates
        asked at given radii answer at those alone.
    y_base : array-like of shape (n_rows,), default=None
        Answers of the base classifier on the same rows without noise, to compare.
    output : {"text", "dict", "frame"}, default="text"
        Kind of the result.

    Returns
    -------
    report : str, dict or pandas.DataFrame
        The text is a table to print. The dict holds `settings` (n_rows, sigma, noise,
        norm, alpha, method, radii), `by_class` (class to row), and the rows `overall`,
        `worst` and `range`. A row maps names to numbers:

        - `support`, the number of rows of the class;
        - `base_accuracy`, if `y_base` is given;
        - `certified_accuracy`, or ``certified_accuracy_at_<radius>`` if there are
          several radii; an abstention counts as an error. The same name with `_low`
          and `_high` is its 95 % Clopper-Pearson interval, for the rows being a
          sample;
        - `abstention_rate`;
        - `predicted_share`, the share of all rows that were given this label,
          abstained rows included;
        - `average_certified_radius` (ACR), where a wrong label or an abstention
          counts as 0; a lower bound if the certificates were asked at given radii.

        It is nan for a class without rows. `worst` and `range` have no support, share
        or interval: the extreme of several classes is not a binomial share. The frame
        has one line per row and these columns; the settings are in ``frame.attrs``.

    Raises
    ------
    ValueError
        If `y_true` or `y_base` holds a class that the certificates do not know,
        lengths differ, a radius is negative or was not asked, or `output` is unknown.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, section 4.

    Examples
    --------
    >>> from sksmooth import Certificates
    >>> from sksmooth.metrics import classwise_report
    >>> certificates = Certificates(
    ...     label=[0, 0, 1, 1], radius=[0.5, 0.2, 0.3, 0.0],
    ...     abstained=[False, False, False, True], p_lower=[0.9, 0.8, 0.8, 0.4],
    ...     counts=[[99, 1], [90, 10], [10, 90], [45, 55]], n_evaluations=[110] * 4,
    ...     classes=[0, 1], sigma=0.25, noise="gaussian", norm=2, alpha=0.001,
    ...     method="monte_carlo")
    >>> report = classwise_report([0, 0, 1, 1], certificates, output="dict")
    >>> report["by_class"][1]["certified_accuracy"], report["worst"]["abstention_rate"]
    (0.5, 0.5)
    """
    if output not in ("text", "dict", "frame"):
        raise ValueError(f'output must be "text", "dict" or "frame", got {output!r}.')
    y_true = check_rows(y_true, certificates)
    classes = certificates.classes
    index = check_known(y_true, classes)
    radii = check_radii(radii)
    for radius in radii:
        check_asked(certificates, radius)

    report = _compute(y_true, index, certificates, radii, y_base)
    if output == "dict":
        return report
    if output == "frame":
        return _to_frame(report)
    return _to_text(report, radii, lower_bound=certificates.radii is not None)


def _compute(y_true, index, certificates, radii, y_base):
    classes = certificates.classes
    n_rows, n_classes = len(y_true), len(classes)
    right = is_right(y_true, certificates)
    names = {radius: score_name(radius, len(radii)) for radius in radii}
    if len(set(names.values())) < len(names):
        raise ValueError(f"radii lie too close to be named apart: {radii}.")

    # Each score as one number per row; its mean over some rows is that row's entry.
    scores = {}
    if y_base is not None:
        y_base = check_rows(y_base, certificates, "y_base")
        scores["base_accuracy"] = check_known(y_base, classes, "y_base") == index
    for radius, name in names.items():
        scores[name] = right & certificates.holds(radius)
    scores["abstention_rate"] = certificates.abstained
    scores["average_certified_radius"] = right * certificates.radius

    # Columns hold one entry per class and a last one for all rows.
    support = np.append(np.bincount(index, minlength=n_classes), n_rows)
    columns = {"support": support}
    extremes = {}
    for name, values in scores.items():
        by_class = mean_by_class(values, index, n_classes)
        columns[name] = np.append(by_class, values.mean())
        extremes[name] = spread(by_class, higher_is_better=name != "abstention_rate")
        if name in names.values():
            hits = np.bincount(index[values], minlength=n_classes)
            columns[f"{name}_low"], columns[f"{name}_high"] = share_interval(
                np.append(hits, hits.sum()), support
            )
        if name == "abstention_rate":
            given = np.bincount(
                class_index(certificates.label, classes), minlength=n_classes
            )
            columns["predicted_share"] = np.append(given / n_rows, 1.0)

    rows = [
        {name: column[i].item() for name, column in columns.items()}
        for i in range(n_classes + 1)
    ]
    return {
        "settings": {
            "n_rows": n_rows,
            "sigma": certificates.sigma,
            "noise": certificates.noise,
            "norm": certificates.norm,
            "alpha": certificates.alpha,
            "method": certificates.method,
            "radii": certificates.radii,
        },
        "by_class": dict(zip(classes.tolist(), rows[:-1], strict=True)),
        "overall": rows[-1],
        "worst": {name: worst for name, (worst, _) in extremes.items()},
        "range": {name: width for name, (_, width) in extremes.items()},
    }


def _rows(report):
    """The rows of the table in order, as (title, row) pairs."""
    rows = list(report["by_class"].items())
    return rows + [(title, report[title]) for title in ("overall", "worst", "range")]


def _to_frame(report):
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


def _to_text(report, radii, *, lower_bound):
    overall = report["overall"]
    headings = {"support": "support", "base_accuracy": "base acc"}
    for radius in radii:
        headings[score_name(radius, len(radii))] = f"acc at r={radius:.12g}"
    headings["abstention_rate"] = "abstains"
    headings["predicted_share"] = "predicted"
    headings["average_certified_radius"] = "ACR >=" if lower_bound else "ACR"
    names = [name for name in headings if name in overall]
    # Radii are in any unit: three digits of the largest.
    largest = max(
        np.nan_to_num(row.get("average_certified_radius", 0.0))
        for _, row in _rows(report)
    )
    decimals = max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 3

    def cell(row, name):
        value = row.get(name, np.nan)
        if np.isnan(value):
            text = "-"
        elif name == "support":
            text = f"{value:d}"
        elif name == "average_certified_radius":
            text = f"{value:.{decimals}f}"
        else:
            text = f"{value:.3f}"
        if f"{name}_low" not in overall:
            return text
        low = row.get(f"{name}_low", np.nan)
        if np.isnan(low):
            return text + " " * len(" [0.000, 1.000]")  # keep the shares in line
        return f"{text} [{low:.3f}, {row[f'{name}_high']:.3f}]"

    lines = [["", *(headings[name] for name in names)]]
    lines += [
        [str(title), *(cell(row, name) for name in names)]
        for title, row in _rows(report)
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in lines
    ]
    for position in (-3, 1):  # blank lines as in sklearn's classification_report
        table.insert(position, "")

    settings = report["settings"]
    header = (
        f"Certified accuracy by class: {settings['n_rows']} rows, "
        f"sigma={settings['sigma']:g} ({settings['noise']} noise), "
        f"alpha={settings['alpha']:g}, method={settings['method']}\n"
        f"Radii r in l{settings['norm']:g} and, as sigma, in the units of the X given "
        "to certify\n"
    )
    notes = [
        "acc at r: right and certified within r [95 % Clopper-Pearson interval];",
        "  an abstention counts as an error",
        "abstains: no certificate",
        "predicted: share of rows given this label, abstained rows included",
        "ACR: average certified radius, 0 where wrong or abstained"
        + ("; a lower bound, as only some radii were asked" if lower_bound else ""),
        "worst, range: over the classes with rows",
    ]
    return "\n".join([header, *table, "", *notes]) + "\n"
