# SPDX-License-Identifier: BSD-3-Clause
"""What a run of certify is defined by, for the head of its log."""

import hashlib

import numpy as np
import scipy
import sklearn

from sksmooth._version import __version__
from sksmooth.noise import AdditiveLaw, Stage
from sksmooth.samples import Counts, values_of, with_values

_SAMPLE_ROWS, _SAMPLE_VOTES = 16, 32
# Samples that get one vote each, which another label nearly everywhere shows.
_MOST_ROWS = 4096
# Where the classifier is looked at: around a sample and its neighbor in the set, and
# as far as noise of so many sigma reaches.
_REACHES = (1, 3, 10)


def describe_run(question, source, classes, X, digests, key):
    """Return all that defines the certificates of a run, of types that JSON has.

    Parameters
    ----------
    question : Certify
    source : vote source
    classes : ndarray of shape (n_classes,)
    X : ndarray of shape (n_samples, ...)
    digests : list of bytes
        Digest of each sample under the classifier's key.
    key : bytes
        The key of the noise.

    Returns
    -------
    dict
        ``rows`` is a digest of the samples and the key of their noise, ``key`` one of
        the key alone, ``votes`` one of the fitted classifier.
    """
    law = question.law
    return question.described(source.method) | {
        "classes": list(classes),
        "key": hashlib.blake2b(b"", key=key, digest_size=8).hexdigest(),
        "n_rows": len(X),
        "row_shape": list(X.shape[1:]),
        "rows": _rows(source, X, law, digests),
        "versions": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "sksmooth": __version__,
        },
        "votes": hashlib.blake2b(_votes(source, X, law), digest_size=8).hexdigest(),
    }


def _rows(source, X, law, digests):
    """What is certified: more than the digests, which see a sample as float32."""
    rows = hashlib.blake2b(b"".join(digests), digest_size=8)
    if isinstance(X, Counts):  # the digests know them to the last word
        return rows.hexdigest()
    for row in values_of(X):
        # Sampled certificates hold for all samples of a cell of the grid.
        if source.method != "exact":
            row = law.snap(row[np.newaxis])
        rows.update((row.astype(np.float64) + 0.0).tobytes())
    return rows.hexdigest()


def _votes(source, X, law):
    """Votes of the classifier between samples, where they are split.

    Near the samples two classifiers may agree in every vote that is drawn, and differ
    far away; so they are also compared at points that noise of 3 and of 10 sigma leads
    to. Or one sample has another label, and all others the same votes; so each has one
    vote.
    """
    rows = np.linspace(0, len(X) - 1, num=_SAMPLE_ROWS, dtype=int)
    seen = []
    for points in _points(X, rows, law):
        if hasattr(source, "probits"):
            # Their last digits may depend on the threads of the BLAS.
            lower, upper = source.probits(points)
            seen.append(np.round([lower, upper], 6) + 0.0)
        else:
            seen.append(_drawn(source, points, _SAMPLE_VOTES))
    if source.method != "exact":
        rows = np.linspace(0, len(X) - 1, num=min(len(X), _MOST_ROWS), dtype=int)
        seen.append(_drawn(source, X[rows], 1))
    return b"".join(part.tobytes() for part in seen)


def _points(X, rows, law):
    """Samples at which votes are compared."""
    if isinstance(X, Counts):
        return [X[rows]]
    points_of = _far_points if isinstance(law, AdditiveLaw) else _mixtures
    return [with_values(X, v, rows) for v in points_of(values_of(X), rows, law)]


def _far_points(values, rows, law):
    """Points halfway between rows, as far as noise of some sigma reaches."""
    normal = np.random.Generator(np.random.SFC64(0)).standard_normal
    middle = (values[rows] + values[np.roll(rows, 1)]) / 2
    for reach in _REACHES:
        away = law.deviation * np.sqrt(reach**2 - 1.0) * normal(middle.shape)
        # Not where the sum of row and noise would have too many digits.
        most = np.fmax(np.nanmax(np.abs(values), axis=0), 3 * reach * law.deviation)
        yield np.clip(middle + away, -most, most)


def _mixtures(values, rows, law):
    """Points with some values of one row and some of another, where others have none.

    There is nothing between two categories, or between two counts.
    """
    rng = np.random.Generator(np.random.SFC64(0))
    for _ in _REACHES:
        chosen = rng.random((len(rows), values.shape[1])) < 0.5
        yield np.where(chosen, values[rows], values[np.roll(rows, 1)])


def _drawn(source, points, n_votes):
    if hasattr(source, "count"):  # all noisy copies
        return source.count(points)
    sizes = np.full(len(points), n_votes)
    return source.open(points).draw(np.arange(len(points)), sizes, Stage.FINGERPRINT)
