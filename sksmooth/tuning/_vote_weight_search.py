# SPDX-License-Identifier: BSD-3-Clause
"""Find vote weights that serve an objective, from vote shares of labeled samples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

# Two breakpoints closer than this (in log weights) are one: a weight between them
# would decide samples by rounding.
_SAME_BREAKPOINT = 1e-9
# A callable is evaluated at so many values of a weight, built-in scores at all of them.
_N_ASKED = 40
_MAX_SWEEPS = 20
_N_BOOTSTRAP = 200


@dataclass(frozen=True)
class VoteObjective:
    """What vote weights are to achieve, as levels of which the first one counts most.

    The levels are the worst class accuracy, counted up to `floor` (if there is one),
    the score, and accuracy. Classes without samples are left out.

    Parameters
    ----------
    scoring : {"worst_class_accuracy", "balanced_accuracy", "accuracy"} or callable
        A callable takes (y_true, y_pred), both labels; higher is better.
    floor : float or None
        Least accuracy that every class should reach.
    classes : ndarray of shape (n_classes,)
        Labels; everything else here refers to positions in it.
    """

    scoring: str | Callable
    floor: float | None
    classes: np.ndarray

    @property
    def n_decisive(self):
        """Number of levels to reach; accuracy, the last level, only breaks ties."""
        return 1 if self.floor is None else 2

    def levels(self, right, n_rows, labeled):
        """Judge several sets of predictions.

        Parameters
        ----------
        right : ndarray of int of shape (n_ways, n_classes)
            How many samples of each class are predicted right.
        n_rows : ndarray of int of shape (n_classes,) or (n_ways, n_classes)
            How many samples each class has; one row for all sets, or one for each.
        labeled : iterable of (ndarray of int, ndarray of int)
            Positions of the true classes and the predictions of each set, in the same
            order; used by a callable only.

        Returns
        -------
        ndarray of shape (n_ways, n_levels)
            To be compared from the first column on.
        """
        present = n_rows > 0
        share = right / np.maximum(n_rows, 1)
        worst = np.where(present, share, 1.0).min(axis=1)
        accuracy = right.sum(axis=1) / n_rows.sum(axis=-1)
        if callable(self.scoring):
            score = np.array(
                [
                    float(self.scoring(self.classes[true], self.classes[answer]))
                    for true, answer in labeled
                ]
            )
            if not np.isfinite(score).all():
                raise ValueError(
                    f"scoring={self.scoring!r} returned "
                    f"{score[~np.isfinite(score)][0]}; a finite number is needed for "
                    "any predictions."
                )
        else:
            score = {
                "worst_class_accuracy": worst,
                "balanced_accuracy": share.sum(axis=1) / present.sum(axis=-1),
                "accuracy": accuracy,
            }[self.scoring]
        levels = [] if self.floor is None else [np.minimum(worst, self.floor)]
        # Rounded, so that what is equal on paper is equal here.
        return np.round(np.column_stack([*levels, score, accuracy]), 12)

    def judge(self, y, answers):
        """Levels of one set of predictions."""
        n_classes = len(self.classes)
        right = np.bincount(y[answers == y], minlength=n_classes)
        n_rows = np.bincount(y, minlength=n_classes)
        return self.levels(right[np.newaxis], n_rows, [(y, answers)])[0]


def worst_case_shares(shares, y, law, radius=0.0, n_votes=None):
    """Vote shares as an adversary within a radius can make them, against the truth.

    The share of the true class becomes the least that the law allows at that distance,
    and that of each other class the most. With weights w, the true class is ahead of
    all others in ``w * shares`` exactly where it leads the vote and its plug-in radius,
    that of `Law.radius`, exceeds `radius`.

    Parameters
    ----------
    shares : ndarray of shape (n_samples, n_classes)
    y : ndarray of int of shape (n_samples,)
        Positions of the true classes.
    law : Law
        The noise.
    radius : float, default=0.0
        In the units of the features.
    n_votes : int, default=None
        Votes behind the shares. If `radius` is positive, shares of 0 and 1 count as
        half a vote less extreme: unanimous votes do not prove an infinite radius.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    if radius == 0:
        return shares
    shares = np.where(shares <= 0, 0.5 / n_votes, shares)
    shares = np.where(shares >= 1, 1 - 0.5 / n_votes, shares)
    own = np.arange(shares.shape[1]) == y[:, np.newaxis]
    return law.worst_case_shares(shares, own, radius)


def search_vote_weights(shares, y, objective):
    """Maximize an objective by coordinate ascent on the logarithms of the weights.

    For one class, with the weights of the others held, the prediction for each sample
    changes at one weight only. Sorted, these breakpoints give every outcome that this
    weight can lead to; the best is taken, and of equally good ones the one that leaves
    the weights closest to equal. Classes take turns, the least accurate first, until
    nothing improves. The search starts from equal weights, so it never ends below them.

    Parameters
    ----------
    shares : ndarray of shape (n_samples, n_classes)
        Vote shares, or what `worst_case_shares` made of them.
    y : ndarray of int of shape (n_samples,)
        Positions of the true classes.
    objective : VoteObjective

    Returns
    -------
    path : list of ndarray of shape (n_classes,)
        Weights after each improvement, from equal weights to the best; their geometric
        mean is 1.
    """
    with np.errstate(divide="ignore"):
        log_shares = np.log(shares)
    n_classes = shares.shape[1]
    log_weights = np.zeros(n_classes)
    best = tuple(objective.judge(y, np.argmax(shares, axis=1)))
    path = [np.ones(n_classes)]
    for _ in range(_MAX_SWEEPS):
        length = len(path)
        right = (log_shares + log_weights).argmax(axis=1) == y
        accuracy = np.bincount(y, right, n_classes) / np.bincount(
            y, minlength=n_classes
        ).clip(1)
        for position in np.argsort(accuracy, kind="stable"):
            found = _search_line(log_shares, y, log_weights, position, objective)
            if found is not None and found[0] > best:
                best, log_weights = found
                path.append(np.exp(log_weights))
        if len(path) == length:
            break
    return path


def _search_line(log_shares, y, log_weights, position, objective):
    """Best log weight of a class, as (levels, log_weights); None if without effect."""
    n_rows, n_classes = log_shares.shape
    rivals = log_shares + log_weights
    rivals[:, position] = -np.inf
    rival = rivals.argmax(axis=1)
    # Above its breakpoint a sample is given the class, below it the rival.
    # It is inf where the class has no votes, and -inf where it has all of them.
    with np.errstate(invalid="ignore"):
        breakpoints = rivals.max(axis=1) - log_shares[:, position]
    order = np.argsort(breakpoints, kind="stable")
    sorted_ = breakpoints[order]
    first = np.searchsorted(sorted_, -np.inf, side="right")
    last = np.searchsorted(sorted_, np.inf, side="left")
    if first == last:
        return None

    # Way k predicts the class for the first k samples of the order.
    change = np.zeros((n_rows + 1, n_classes), dtype=np.int64)
    change[0] = np.bincount(y, (rival == y) & (y != position), n_classes)
    rows = np.arange(1, n_rows + 1)
    change[rows, y[order]] -= (rival == y)[order] & (y != position)[order]
    change[rows, position] += (y == position)[order]
    right = np.cumsum(change, axis=0)

    ways = np.arange(first, last + 1)
    ends = sorted_[first] - 1.0, sorted_[last - 1] + 1.0
    below = np.concatenate([ends[:1], sorted_[first:last]])
    above = np.concatenate([sorted_[first:last], ends[1:]])
    apart = above - below > _SAME_BREAKPOINT
    if callable(objective.scoring):
        apart = _thin(apart, _N_ASKED)
    ways, at = ways[apart], ((below + above) / 2)[apart]
    labeled = ((y, np.where(breakpoints < t, position, rival)) for t in at)
    levels = objective.levels(right[ways], np.bincount(y, minlength=n_classes), labeled)

    candidates = np.tile(log_weights, (len(at), 1))
    candidates[:, position] = at
    candidates -= candidates.mean(axis=1, keepdims=True)
    closeness = -np.round((candidates**2).sum(axis=1), 9)
    levels = np.column_stack([levels, closeness])
    choice = np.lexsort(levels.T[::-1])[-1]
    return tuple(levels[choice, :-1]), candidates[choice]


def _thin(mask, n_kept):
    """Keep about `n_kept` True entries, evenly by rank, ends included."""
    kept = np.flatnonzero(mask)
    if len(kept) > n_kept:
        kept = kept[np.linspace(0, len(kept) - 1, n_kept).round().astype(int)]
    thinned = np.zeros_like(mask)
    thinned[kept] = True
    return thinned


def cross_fitted_answers(shares, y, folds, objective):
    """Predict each sample by weights tuned on the samples of all other folds.

    Parameters
    ----------
    shares, y, objective
        As in `search_vote_weights`.
    folds : list of ndarray of int
        Samples of each fold; together all samples, each once.

    Returns
    -------
    answers : ndarray of int of shape (n_samples,)
    weights : ndarray of shape (n_folds, n_classes)
    """
    answers = np.empty(len(y), dtype=np.int64)
    weights = np.empty((len(folds), shares.shape[1]))
    for k, fold in enumerate(folds):
        rest = np.ones(len(y), dtype=bool)
        rest[fold] = False
        weights[k] = search_vote_weights(shares[rest], y[rest], objective)[-1]
        answers[fold] = np.argmax(shares[fold] * weights[k], axis=1)
    return answers, weights


def cross_fitted_gain(y, plain, tuned, folds, objective):
    """What one set of predictions gains over another, and its standard error.

    The standard error is that of a bootstrap of folds and of samples within them, with
    a fixed seed. So it grows with the noise of the samples, and also where folds
    disagree because the models fitted on them do. It counts the noise of samples about
    twice, which keeps the test below its level where folds are few.

    Parameters
    ----------
    y, plain, tuned : ndarray of int of shape (n_samples,)
        Positions of the true classes and of the two predictions.
    folds : list of ndarray of int
        Samples of each fold.
    objective : VoteObjective

    Returns
    -------
    gain, standard_error : ndarray of shape (n_decisive,)
    """
    n_classes = len(objective.classes)
    # A count of it over samples gives those that each set predicts right, by class.
    kind = (2 * (tuned == y) + (plain == y)) * n_classes + y

    def gains(samples):
        """The gain on each of several sets of rows; `samples` makes them anew."""
        counts = np.array(
            [np.bincount(kind[rows], minlength=4 * n_classes) for rows in samples()]
        ).reshape(-1, 2, 2, n_classes)
        n_rows = counts.sum(axis=(1, 2))
        after, before = (
            objective.levels(
                right, n_rows, ((y[rows], answers[rows]) for rows in samples())
            )
            for right, answers in (
                (counts[:, 1].sum(axis=1), tuned),
                (counts[:, :, 1].sum(axis=1), plain),
            )
        )
        return (after - before)[:, : objective.n_decisive]

    def bootstrap():
        rng = np.random.default_rng(0)
        for _ in range(_N_BOOTSTRAP):
            drawn = (folds[k] for k in rng.integers(len(folds), size=len(folds)))
            rows = [fold[rng.integers(len(fold), size=len(fold))] for fold in drawn]
            yield np.concatenate(rows)

    gain = gains(lambda: [np.arange(len(y))])[0]
    return gain, np.std(gains(bootstrap), axis=0, ddof=1)


def is_beyond_noise(gain, standard_error, significance):
    """Whether the first level that changes by more than noise changes for the better.

    A gain is beyond noise if it passes a one-sided normal test. A later level decides
    only where those before it gain something within noise: a loss at a level that
    counts more is never paid for by a gain at one that counts less.
    """
    noise = -ndtri(float(significance)) * standard_error
    for change, limit in zip(gain, noise, strict=True):
        if change > limit:
            return True
        if change < 0:
            return False
    return False
