# SPDX-License-Identifier: BSD-3-Clause
"""Lower bounds of the certified accuracy of all classes, or groups, at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._arguments import check_between, check_option
from sksmooth._estimators import require
from sksmooth.bounds import clopper_pearson_lower
from sksmooth.certificates import Certificates
from sksmooth.metrics._scores import check_asked, check_rows, is_right, known_index
from sksmooth.metrics._tally import ClassTally

_CORRECTIONS = ("sidak", "bonferroni")
_OUTPUTS = ("text", "dict", "frame")


def classwise_lower_bounds(
    y_true: ArrayLike,
    certificates: Certificates,
    *,
    radius: float = 0.0,
    confidence: float = 0.95,
    groups: ArrayLike | None = None,
    correction: str = "sidak",
    output: str = "text",
) -> Any:
    """Certified accuracy that every class has at least, at a stated confidence.

    A report of many classes always has a worst one, and its interval was not made for
    the worst of many. These bounds hold together: with probability `confidence` over
    the samples drawn, the certified accuracy of **each** class, on all samples of its
    distribution, is at least its bound. So one sentence can be quoted: the text begins
    with it.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, all among ``certificates.classes``.
    certificates : Certificates
        Of the same samples, which must not have been used to fit or to choose the
        classifier.
    radius : float, default=0.0
        A sample counts if it is right and certified within this radius, in the units of
        X. Certificates made for given radii can be scored at these alone.
    confidence : float, default=0.95
        Probability that all bounds hold, in (0, 1).
    groups : array-like of shape (n_samples,), default=None
        Group of each sample, such as a column of a DataFrame. The bounds are then those
        of the groups, over samples of all classes. None bounds the classes.
    correction : {"sidak", "bonferroni"}, default="sidak"
        How `confidence` is shared out: to each of K classes ``confidence ** (1 / K)``,
        which is exact for classes, as the counts of different samples are independent;
        or ``1 - (1 - confidence) / K``, which also holds without independence and is
        slightly lower.
    output : {"text", "dict", "frame"}, default="text"
        Kind of the result.

    Returns
    -------
    bounds : str, dict or pandas.DataFrame
        The dict holds `settings` (radius, confidence, correction, n_bounds, alpha),
        `by_class`, or `by_group` if there are groups, and `worst`, the smallest bound.
        A row has `support`, `certified_accuracy` and `lower_bound`; the latter two are
        nan for a class without samples, for which nothing is stated and which takes no
        share of the confidence.

    Raises
    ------
    ValueError
        If a parameter is out of range, lengths differ, `radius` was not certified for,
        or a group is missing.

    Notes
    -----
    Each bound is that of Clopper and Pearson. It is about certified accuracy, the share
    of samples for which `certify` gives the right label and the radius. A certificate
    is wrong with probability at most alpha, so the share of samples that truly keep
    their right label is at least the bound minus alpha.

    References
    ----------
    .. [1] Z. Sidak, "Rectangular Confidence Regions for the Means of Multivariate
       Normal Distributions", Journal of the American Statistical Association 62 (1967).

    Examples
    --------
    >>> from sksmooth import Certificates
    >>> from sksmooth.metrics import classwise_lower_bounds
    >>> certificates = Certificates(
    ...     label=[0] * 50 + [1] * 50, radius=[0.5] * 100, abstained=[False] * 100,
    ...     p_lower=[0.9] * 100, counts=[[99, 1]] * 50 + [[1, 99]] * 50,
    ...     n_evaluations=[100] * 100, classes=[0, 1], sigma=0.25, noise="gaussian",
    ...     norm=2, alpha=0.001, method="monte_carlo")
    >>> text = classwise_lower_bounds([0] * 50 + [1] * 50, certificates, radius=0.25)
    >>> print(text.splitlines()[0])
    With 95 % confidence, certified accuracy at r=0.25 is at least 0.929 in every class.
    """
    check_option("correction", correction, _CORRECTIONS)
    check_option("output", output, _OUTPUTS)
    confidence = check_between("confidence", confidence, 0, 1)
    y_true = check_rows(y_true, certificates)
    radius = check_asked(certificates, radius)
    index = known_index(y_true, certificates)
    kind, names = "class", certificates.classes.tolist()
    hits = is_right(y_true, certificates) & certificates.holds(radius)
    if groups is not None:
        kind = "group"
        index, names = _group_index(check_rows(groups, certificates, "groups"))
    tally = ClassTally.of(hits, index, len(names))
    present = tally.support > 0
    n_bounds = int(present.sum())
    bounds = np.full(len(names), np.nan)
    bounds[present] = clopper_pearson_lower(
        tally.hits[present],
        tally.support[present],
        _error_of_each(confidence, n_bounds, correction),
    )
    report: dict[str, Any] = {
        "settings": {
            "radius": radius,
            "confidence": confidence,
            "correction": correction,
            "n_bounds": n_bounds,
            "alpha": certificates.alpha,
        },
        f"by_{kind}": {
            name: {
                "support": int(tally.support[at]),
                "certified_accuracy": float(tally.share[at]),
                "lower_bound": float(bounds[at]),
            }
            for at, name in enumerate(names)
        },
        "worst": float(np.nanmin(bounds)),
    }
    if output == "dict":
        return report
    if output == "text":
        return _text(report, kind)
    pandas = require("pandas", 'classwise_lower_bounds(output="frame")')
    rows = report[f"by_{kind}"]
    index = pandas.Index(list(rows), name=kind, dtype=object)
    frame = pandas.DataFrame(list(rows.values()), index=index)
    frame.attrs.update(report["settings"])
    return frame


def _error_of_each(confidence, n_bounds, correction):
    """Error probability of each of several bounds that hold together."""
    if correction == "bonferroni":
        return (1.0 - confidence) / n_bounds
    return -math.expm1(math.log(confidence) / n_bounds)


def _group_index(groups):
    """Position of each group among the distinct ones, and these."""
    labels = groups.tolist()
    missing = [label for label in labels if label is None or not _is_itself(label)]
    if missing:
        raise ValueError(
            f"groups holds {missing[0]!r}, a missing value, {len(missing)} times. Give "
            "these samples a group of their own, or leave them out."
        )
    names = list(dict.fromkeys(labels))
    try:
        names = sorted(names)
    except TypeError:  # of different kinds: in order of appearance
        pass
    position = {name: at for at, name in enumerate(names)}
    return np.array([position[label] for label in labels]), names


def _is_itself(label):
    try:
        return bool(label == label)
    except TypeError:  # pandas.NA is neither equal nor different
        return False


def _text(report, kind):
    settings, rows = report["settings"], report[f"by_{kind}"]
    # Rounded down: a bound must not grow in print.
    down = lambda value: f"{math.floor(1000 * value) / 1000:.3f}"
    which = f"in every {kind}"
    if any(row["support"] == 0 for row in rows.values()):
        which += " with samples"
    lines = [
        f"With {100 * settings['confidence']:.6g} % confidence, certified accuracy at "
        f"r={settings['radius']:.12g} is at least {down(report['worst'])} {which}.",
        "",
    ]
    cells = [["", "support", "certified accuracy", "at least"]]
    for name, row in rows.items():
        empty = row["support"] == 0
        cells.append(
            [
                str(name),
                str(row["support"]),
                "-" if empty else f"{row['certified_accuracy']:.3f}",
                "-" if empty else down(row["lower_bound"]),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += [
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in cells
    ]
    corrected = {"sidak": "Sidak", "bonferroni": "Bonferroni"}[settings["correction"]]
    lines += [
        "",
        f"at least: Clopper-Pearson bounds that hold together ({corrected} correction "
        f"for {settings['n_bounds']})",
    ]
    if settings["alpha"] > 0:
        lines.append(
            f"certificates are wrong with probability alpha={settings['alpha']:g} at "
            "most: subtract it"
        )
        lines.append("  for the share of samples that truly keep their right label")
    return "\n".join(lines) + "\n"
