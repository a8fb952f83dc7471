# SPDX-License-Identifier: BSD-3-Clause
"""One table of how each class fares under smoothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._arguments import check_option
from sksmooth.certificates import Certificates, check_radii, class_index
from sksmooth.metrics._report_tables import report_frame, report_html, report_text
from sksmooth.metrics._scores import check_asked, check_rows, is_right, known_index
from sksmooth.metrics._tally import ClassTally

_OUTPUTS = ("text", "dict", "frame", "html")


def score_name(radius, n_radii):
    """Name of the certified accuracy at `radius`, one of `n_radii` radii."""
    # 12 digits: enough to tell radii apart, too few for 0.30000000000000004.
    return "certified_accuracy" + (f"_at_{radius:.12g}" if n_radii > 1 else "")


def classwise_report(
    y_true: ArrayLike,
    certificates: Certificates,
    *,
    radii: Sequence[float] | None = None,
    y_base: ArrayLike | None = None,
    output: str = "text",
) -> Any:
    """Report how each class fares: accuracy, abstention, share and radius.

    Smoothing costs the classes unequally: regions shrink as sigma grows, and may
    vanish [1]_. A single accuracy hides this; the table shows each class, then
    `overall` (over samples), `worst` and `range` (over classes with at least one
    sample: the least accuracy or radius and the most abstention; the largest value
    minus the smallest).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, all among ``certificates.classes``.
    certificates : Certificates
        What `SmoothedClassifier.certify` returned for the same samples.
    radii : sequence of float, default=None
        Radii >= 0 to give the certified accuracy at, in the units of X. None takes the
        radii that were given to `certify`, at which alone such certificates can be
        reported on, and 0.0 where none were given.
    y_base : array-like of shape (n_samples,), default=None
        Predictions of the base classifier for the same samples without noise.
    output : {"text", "dict", "frame", "html"}, default="text"
        Kind of the result.

    Returns
    -------
    report : str, dict or pandas.DataFrame
        The text is a table to print, which a notebook shows as the HTML table that
        "html" returns. The dict holds `settings` (n_samples, sigma, probability, noise,
        norm, alpha, method, radii), `by_class` (class to row), and the rows `overall`,
        `worst` and `range`. A row maps names to numbers:

        - `support`, the number of samples of the class;
        - `base_accuracy`, if `y_base` is given;
        - `certified_accuracy`, or ``certified_accuracy_at_<radius>`` if there are
          several radii; an abstention counts as an error. The same name with `_low`
          and `_high` is its 95 % Clopper-Pearson interval, which reflects that the
          samples are a random sample;
        - `abstention_rate`;
        - `predicted_share`, the share of all samples that were given this label without
          abstaining, so that the shares of all classes and the overall abstention
          rate add up to 1;
        - `average_certified_radius` (ACR), where a wrong label or an abstention
          counts as 0; a lower bound if the certificates were made for given radii.

        It is nan for a class without samples. `worst` and `range` have no support,
        share or interval: the extreme of several classes is not a binomial share. The
        frame has one line per row and these columns; the settings are in
        ``frame.attrs``.

    Raises
    ------
    ValueError
        If `y_true` or `y_base` holds a class that the certificates do not know,
        lengths differ, a radius is negative or was not requested, or `output` is
        unknown.

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
    check_option("output", output, _OUTPUTS)
    y_true = check_rows(y_true, certificates)
    if radii is None:
        radii = certificates.radii or (0.0,)
    names = _names(check_radii(radii))
    for radius in names:
        check_asked(certificates, radius)
    if y_base is not None:
        y_base = check_rows(y_base, certificates, "y_base")

    report = _report(y_true, certificates, names, y_base)
    if output == "dict":
        return report
    if output == "frame":
        return report_frame(report)
    return (report_html if output == "html" else report_text)(report, names)


def _names(radii):
    """Name of the certified accuracy at each radius."""
    names = {radius: score_name(radius, len(radii)) for radius in radii}
    if len(set(names.values())) < len(names):
        raise ValueError(f"radii lie too close to be named apart: {radii}.")
    return names


def _report(y_true, certificates, names, y_base):
    """Return the report as a dict."""
    classes = certificates.classes
    tallies = _tallies(y_true, certificates, names, y_base)
    support = tallies["abstention_rate"].support
    columns = {"support": [*support.tolist(), len(y_true)]}
    for name, tally in tallies.items():
        columns[name] = [*tally.share.tolist(), tally.overall]
        if name in names.values():
            for end, by_class, overall in zip(
                ("low", "high"), tally.interval, tally.overall_interval, strict=True
            ):
                columns[f"{name}_{end}"] = [*by_class.tolist(), overall.item()]
        if name == "abstention_rate":
            given = _count_predicted(certificates)
            shares = np.append(given, given.sum()) / len(y_true)
            columns["predicted_share"] = shares.tolist()
    rows = [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]
    return {
        "settings": {
            "n_samples": len(y_true),
            "sigma": certificates.sigma,
            "probability": (certificates.law or {}).get("probability"),
            "noise": certificates.noise,
            "norm": certificates.norm,
            "alpha": certificates.alpha,
            "method": certificates.method,
            "radii": certificates.radii,
            "scale": certificates.scale,
            "whole": bool((certificates.law or {}).get("whole")),
            "features": certificates.features,
            "denoiser": certificates.denoiser,
        },
        "by_class": dict(zip(classes.tolist(), rows[:-1], strict=True)),
        "overall": rows[-1],
        "worst": {name: tally.worst for name, tally in tallies.items()},
        "range": {name: tally.range for name, tally in tallies.items()},
    }


def _tallies(y_true, certificates, names, y_base):
    """Tally each score."""
    n_classes = len(certificates.classes)
    index = known_index(y_true, certificates)
    right = is_right(y_true, certificates)

    def tally(values, **keywords):
        return ClassTally.of(values, index, n_classes, **keywords)

    tallies = {}
    if y_base is not None:
        base = known_index(y_base, certificates, "y_base")
        tallies["base_accuracy"] = tally(base == index)
    for radius, name in names.items():
        tallies[name] = tally(right & certificates.holds(radius))
    tallies["abstention_rate"] = tally(certificates.abstained, higher_is_better=False)
    tallies["average_certified_radius"] = tally(right * certificates.radius)
    return tallies


def _count_predicted(certificates):
    """Samples that each class was predicted for; an abstention predicts no class."""
    classes = certificates.classes
    label = class_index(certificates.label, classes)
    return np.bincount(label[~certificates.abstained], minlength=len(classes))
