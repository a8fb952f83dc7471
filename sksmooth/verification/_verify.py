# SPDX-License-Identifier: BSD-3-Clause
"""Check each certificate of a log against its votes."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sksmooth.verification._evidence import (
    heaviest_odds,
    looks_of,
    most_misses,
    proved_radius,
)
from sksmooth.verification._laws import law_of
from sksmooth.verification._log_text import (
    UnreadableError,
    digest_of_labels,
    read_log,
    told,
)
from sksmooth.verification._space import check_space

_ROUNDING = 64 * np.finfo(float).eps
_FIXED_PILOT, _FIRST_PILOT, _PILOT_CAP = 100, 32, 16
_MOST_VOTES, _MOST_ROWS = 2**62, 10**12
_SIZE_RATIO = 1.15
_PAIRED_PART = 0.25


class Verdict(NamedTuple):
    """What came out of the check of one log.

    Attributes
    ----------
    holds : bool
        Whether no certificate claims more, or less, than its votes prove.
    text : str
        One line that says so, with the row and the line of the first that does.
    """

    holds: bool
    text: str


def verify_log(path: Any) -> Verdict:
    """Recompute each label and radius of a log from its votes and its settings.

    What is checked of a row: that its label leads the votes that chose it; that its
    radius is the one that its votes prove, to within 64 units of the last place of
    sigma plus radius; that the numbers of votes are those of the procedure. Of the log:
    that the settings that say what radii are about agree, and that the true labels are
    those of the run, if no row is missing. Not checked are the votes themselves, which
    only the classifier can give again, and how many of them a pilot planned, which is a
    matter of cost.

    Parameters
    ----------
    path : str or path-like
        A log of `CertificateLog`.

    Returns
    -------
    Verdict

    Raises
    ------
    OSError
        If there is no such file.
    """
    try:
        log = read_log(Path(path))
        settings = _Settings(log.settings)
        beyond = log.rows >= settings.n_rows
        if beyond.any():
            number = log.lines[np.argmax(beyond)]
            raise UnreadableError(number, f"a row beyond n_rows={settings.n_rows}")
    except UnreadableError as error:
        return Verdict(False, f"{path}: cannot be checked: {error}")
    if not _has_its_labels(log, settings):
        reason = "the true labels are not those that the settings are of"
        return Verdict(False, f"{path}: false: {reason}")
    n, n_rows = len(log.rows), settings.n_rows
    rows = f"all {n} rows" if n == n_rows else f"{n} of {n_rows} rows"
    if settings.enumerated:
        checks = [*_ranges(log), *_enumeration_checks(log, settings)]
        summary = f"true: {rows} hold, recomputed from the votes of all noisy copies"
    elif settings.method == "exact":
        checks = _exact_checks(log, settings)
        summary = (
            f"not recomputed: {rows} hold closed forms, which only the classifier "
            "can give again; no line is damaged"
        )
    else:
        check = _planned_checks if settings.radii is None else _sequential_checks
        checks = [*_common_checks(log, settings), *check(log, settings)]
        summary = f"true: {rows} hold, recomputed from their votes"
    wrong = [(int(np.argmax(bad)), reason) for bad, reason in checks if bad.any()]
    if not wrong:
        return Verdict(True, f"{path}: {summary}")
    at, reason = min(wrong, key=lambda found: found[0])
    where = f"row {log.rows[at]} (line {log.lines[at]})"
    return Verdict(False, f"{path}: false: {where}: {reason(at)}")


def _has_its_labels(log, settings):
    """Whether the true labels are those of the run, as far as that can be told."""
    if settings.y is None:
        return all(label == "null" for label in log.true_labels)
    if len(log.rows) < settings.n_rows:  # the digest is of all of them
        return True
    return digest_of_labels(log.true_labels) == settings.y


class _Settings:
    """Settings that the checks need, in the types they need."""

    def __init__(self, settings):
        try:
            self._read(settings)
        except (LookupError, OverflowError, TypeError, ValueError) as error:
            raise UnreadableError(2, f"odd settings ({told(error)})") from None

    def _read(self, settings):
        self.n_rows = settings["n_rows"]
        self.method = settings["method"]
        self.n_classes = len(settings["classes"])
        self.sigma = float(settings["sigma"])
        self.slack = float(settings["slack"])
        self.law = law_of(settings)
        self.n_features = settings["n_features"]
        self.y = settings["y"]
        check_space(settings)
        counted = type(self.n_rows) is int and 0 <= self.n_rows <= _MOST_ROWS
        if not counted:
            raise ValueError(f"n_rows={self.n_rows!r:.40}")
        radii = settings["radii"]
        self.radii = None if radii is None else np.array(radii, dtype=float)
        if radii is not None and (
            self.radii.ndim != 1
            or not self.radii.size
            or not (np.diff(self.radii, prepend=-1.0) > 0).all()
            or not 0 <= self.radii[0] <= self.radii[-1] < math.inf
        ):
            raise ValueError("radii do not increase")
        weights = settings["weights"]
        self.weighted = weights is not None
        given = weights if self.weighted else [1.0] * self.n_classes
        self.weights = np.array(given, dtype=float)
        positive = (self.weights > 0) & (self.weights < math.inf)
        if self.weights.shape != (self.n_classes,) or not positive.all():
            raise ValueError(f"weights={weights}")
        self.enumerated = self.method == "exact" and hasattr(self.law, "counted_radius")
        if self.method == "exact":
            if (settings["alpha"], settings["slack"]) != (0, 0):
                raise ValueError("alpha and slack of a closed form are 0")
            return
        if self.method != "monte_carlo":
            raise ValueError(f"method={self.method!r}")
        self.alpha, self.n_max = float(settings["alpha"]), settings["n_max"]
        votes = type(self.n_max) is int and 1 <= self.n_max <= _MOST_VOTES
        if not (0 < self.alpha < 1 and votes):
            raise ValueError(f"alpha={self.alpha}, n_max={self.n_max}")
        self.paired = {"binary": False, "multiclass": self.n_classes > 2}[
            settings["bound"]
        ]
        self.tol = settings["tol"] if radii is None else None
        needed = 0.0
        if "grid" in settings:
            scale = settings.get("noise_scale")
            cell = np.array(settings["grid"]) / _units(scale, settings)
            n_noisy = cell.size if cell.ndim else self.n_features
            needed = self.law.least_slack(np.broadcast_to(cell, n_noisy))
        if not needed * (1 - _ROUNDING) <= self.slack < math.inf:
            raise ValueError(f"slack={self.slack!r} beside {needed!r} of the grid")


def _exact_checks(log, settings):
    """Closed forms have no votes; more cannot be said without the classifier."""
    votes = log.counts.any(axis=1) | log.label_counts.any(axis=1)
    yield votes | (log.n_evaluations != 0), lambda at: "votes of a closed form"
    if settings.radii is not None:
        other = ~log.abstained & ~np.isin(log.radius, settings.radii)
        yield other, lambda at: f"{log.radius[at]} is none of the requested radii"
    yield from _ranges(log)


def _enumeration_checks(log, settings):
    """Each noisy copy has one vote; nothing is left to chance."""
    law, total = settings.law, log.counts.sum(axis=1)
    wrong = (total != law.width) | (total != log.n_evaluations)
    wrong |= (log.counts != log.label_counts).any(axis=1)
    yield (
        wrong,
        lambda at: f"{total[at]} votes, where a sample has {law.width:g} noisy copies",
    )
    leader = np.argmax(log.counts * settings.weights, axis=1)
    yield (
        leader != log.label,
        lambda at: f"class number {leader[at]} leads, not {log.label[at]}",
    )
    radius = law.counted_radius(log.counts, log.label, settings.weights)
    abstains = np.zeros(len(radius), dtype=bool)
    if settings.radii is not None:
        held = np.searchsorted(settings.radii, radius, side="right")
        radius, abstains = np.append(0.0, settings.radii)[held], held == 0
    yield (
        (log.radius != radius) | (log.abstained != abstains),
        lambda at: (
            f"a radius of {log.radius[at]} is claimed, and its votes prove {radius[at]}"
        ),
    )
    share = log.counts[np.arange(len(radius)), log.label] / law.width
    yield _p_lower_check(log, share, settings)


def _units(scale, settings):
    """Units of the features with a grid, which are those of numbers."""
    if scale is None:
        return 1.0
    numbers = settings.get("cardinalities", [0] * len(scale))
    return np.array([s for s, c in zip(scale, numbers, strict=True) if c == 0])


def _ranges(log):
    yield log.p_lower > 1, lambda at: f"p_lower={log.p_lower[at]}"
    claims = log.abstained & (log.radius > 0)
    yield claims, lambda at: f"it abstains with a radius of {log.radius[at]}"


def _common_checks(log, settings):
    yield from _ranges(log)
    leader = np.argmax(log.label_counts * settings.weights, axis=1)
    yield (
        leader != log.label,
        lambda at: (
            f"the votes that chose the label, {log.label_counts[at].tolist()}, are led "
            f"by class number {leader[at]}, not {log.label[at]}"
        ),
    )


def _planned_checks(log, settings):
    """A pilot chose the label; the counts are fresh votes, as many as it planned."""
    pilot, total = log.label_counts.sum(axis=1), log.counts.sum(axis=1)
    n_max = settings.n_max
    if settings.tol == 0:
        pilots, sizes = [_FIXED_PILOT], [n_max]
    else:
        pilots = [_FIRST_PILOT]
        while _PILOT_CAP * pilots[-1] <= n_max:
            pilots.append(2 * pilots[-1])
        sizes = [0, *_planned_sizes(n_max)]
    wrong = ~np.isin(pilot, pilots) | ~np.isin(total, sizes)
    yield (
        wrong | (pilot + total != log.n_evaluations),
        lambda at: (
            f"{pilot[at]} and {total[at]} votes, of {log.n_evaluations[at]}, are not "
            "what a pilot and an estimate take"
        ),
    )
    drawn = np.flatnonzero(total)
    alphas = (settings.alpha / 2,) * 2 if settings.paired else (settings.alpha, None)
    proved, miss = np.full(len(total), -np.inf), np.ones(len(total))
    proved[drawn], miss[drawn] = proved_radius(
        settings.law, log.counts[drawn], log.label[drawn], alphas, settings.weights
    )
    yield from _radius_checks(log, settings, proved)
    yield _p_lower_check(log, 1 - miss, settings)


def _planned_sizes(n_max):
    steps = max(
        1, round(math.log(max(n_max / _FIRST_PILOT, 1)) / math.log(_SIZE_RATIO))
    )
    sizes = {int(_FIRST_PILOT * _SIZE_RATIO**step) for step in range(steps)}
    return [*(size for size in sizes if size < n_max), n_max]


def _radius_checks(log, settings, proved):
    rounding = _rounding(settings, proved)
    at_most = _stated(proved + rounding, settings)
    at_least = _stated(proved - rounding, settings)
    below = ~log.abstained & (proved + rounding <= 0)
    yield (
        below | (log.radius > at_most),
        lambda at: (
            f"a radius of {log.radius[at]} is claimed, and its votes prove "
            f"{at_most[at] if proved[at] > 0 else 'nothing'}"
        ),
    )
    more = np.where(log.abstained, proved - rounding > 0, log.radius < at_least)
    yield (
        more,
        lambda at: (
            f"a radius of {log.radius[at]} stands beside votes that prove "
            f"{at_least[at]}: one of them was changed"
        ),
    )


def _stated(radius, settings):
    """Radii as a log states them."""
    if settings.law.counts_changes:
        radius = np.floor(radius)
    return np.maximum(radius - settings.slack, 0.0)


def _rounding(settings, radius):
    """What a radius may be off by; nothing where nothing is proved."""
    finite = np.where(np.isfinite(radius), np.abs(radius), 0.0)
    return settings.law.rounding * (settings.sigma + finite)


def _p_lower_check(log, expected, settings):
    return (
        np.abs(log.p_lower - expected) > settings.law.rounding,
        lambda at: f"p_lower is {log.p_lower[at]}, and its votes prove {expected[at]}",
    )


def _sequential_checks(log, settings):
    """One stream of votes, looked at; `label_counts` is where a radius showed."""
    shown_at, total = log.label_counts.sum(axis=1), log.counts.sum(axis=1)
    tests = _SequentialTests(settings)
    known = np.isin(total, tests.looks) & np.isin(shown_at, tests.looks)
    ahead = (log.label_counts > log.counts).any(axis=1)
    late = log.abstained & (shown_at != total)
    yield (
        ~known | (total != log.n_evaluations) | ahead | late,
        lambda at: (
            f"{shown_at[at]} votes, then {total[at]}, of {log.n_evaluations[at]}, are "
            "no looks at one stream"
        ),
    )
    steps = np.append(0.0, settings.radii)
    held = np.searchsorted(steps, log.radius)
    held = np.where(log.abstained, 0, np.maximum(held, 1))
    of_grid = steps[np.minimum(held, len(steps) - 1)] == log.radius
    yield ~of_grid, lambda at: f"{log.radius[at]} is none of the requested radii"
    held = np.minimum(held, len(steps) - 1)
    fewest, most, p_lower = tests.shown(log.label_counts, log.label, known)
    yield (
        known & (held > most),
        lambda at: (
            f"a radius of {steps[held[at]]} is claimed, and its votes show "
            f"{steps[most[at]] if most[at] else 'nothing'}"
        ),
    )
    yield (
        known & (held < fewest),
        lambda at: (
            f"a radius of {steps[held[at]]} stands beside votes that show "
            f"{steps[fewest[at]]}: one of them was changed"
        ),
    )
    last = np.argmax(log.counts * settings.weights, axis=1)
    fewest_last, _, _ = tests.shown(log.counts, last, known)
    yield (
        known & (held < fewest_last),
        lambda at: (
            f"a radius of {steps[held[at]]} stands beside votes that show "
            f"{steps[fewest_last[at]]} in the end: one of them was changed"
        ),
    )
    shown = np.where(held > 0, p_lower, 0.0)
    bad, reason = _p_lower_check(log, shown, settings)
    yield bad & known, reason


class _SequentialTests:
    """Which radii are shown at a look, by the share of the label or class by class."""

    def __init__(self, settings):
        self._settings = settings
        self.looks = looks_of(settings.n_max)
        # A radius of 0 is about the sample alone, not about points between the grid's.
        radii = settings.radii
        self._needed = np.where(radii > 0, radii + settings.slack, 0.0)
        self._odds = heaviest_odds(settings.weights)
        self._critical = {}

    def shown(self, counts, label, known):
        """How many radii are shown at least and at most, and the share that is shown.

        Two numbers, because a radius may equal what votes prove up to rounding.
        """
        fewest, most = np.zeros((2, len(counts)), dtype=int)
        p_lower = np.zeros(len(counts))
        n = counts.sum(axis=1)
        for look in np.unique(n[known]).tolist():
            rows = np.flatnonzero(known & (n == look))
            at = counts[rows], label[rows], look
            fewest[rows], p_lower[rows] = self._by_share(*at)
            most[rows] = fewest[rows]
            if self._settings.paired:
                low, high, miss = self._class_by_class(*at)
                better = high > fewest[rows]
                p_lower[rows] = np.where(better, 1 - miss, p_lower[rows])
                fewest[rows] = np.maximum(fewest[rows], low)
                most[rows] = np.maximum(most[rows], high)
        return fewest, most, p_lower

    def _by_share(self, counts, label, look):
        misses = look - counts[np.arange(len(label)), label]
        held, share = np.zeros(len(label), dtype=int), np.zeros(len(label))
        for one in np.unique(label).tolist():
            allowed, shares = self._thresholds(one, look)
            rows = label == one
            passes = misses[rows, np.newaxis] <= allowed
            held[rows] = np.where(
                passes.all(axis=1), len(allowed), passes.argmin(axis=1)
            )
            share[rows] = np.append(0.0, shares)[held[rows]]
        return held, share

    def _thresholds(self, label, look):
        """Most misses with which each radius is shown, and the share that is."""
        odds = self._odds[label]
        if (key := (odds, look)) not in self._critical:
            settings = self._settings
            alpha = settings.alpha * (1 - _PAIRED_PART * settings.paired)
            misses_of = settings.law.largest_miss(self._needed, odds)
            allowed = most_misses(misses_of, look, self.looks, alpha)
            shares = settings.law.share(self._needed, odds)
            self._critical[key] = allowed, shares
        return self._critical[key]

    def _class_by_class(self, counts, label, look):
        settings = self._settings
        # The last look has half of the error probability, the others share the rest.
        alpha = _PAIRED_PART * settings.alpha / 2
        if look != self.looks[-1]:
            alpha /= len(self.looks) - 1
        alphas = alpha / (2 * settings.n_classes), alpha / 4
        radius, miss = proved_radius(
            settings.law, counts, label, alphas, settings.weights
        )
        rounding = _rounding(settings, radius)
        low = np.searchsorted(self._needed, radius - rounding)
        return low, np.searchsorted(self._needed, radius + rounding), miss
