# SPDX-License-Identifier: BSD-3-Clause
"""What a run of certify is defined by, for the head of its log."""

import hashlib

import numpy as np
import scipy
import sklearn

from sksmooth._version import __version__
from sksmooth.noise import Stage

_SAMPLE_ROWS, _SAMPLE_VOTES = 16, 32
# Rows that get one vote each, which another label nearly everywhere shows.
_MOST_ROWS = 4096
# Where the classifier is looked at: around a row and its neighbour in the set, and as
# far as noise of so many sigma reaches.
_REACHES = (1, 3, 10)


def describe_run(settings, source, classes, X, digests, key):
    """Return all that defines the certificates of a run, of types that JSON knows.

    Parameters
    ----------
    settings : dict
        What was asked, with the law of the noise and "method", "alpha" and "slack".
    source : vote source
    classes : ndarray of shape (n_classes,)
    X : ndarray of shape (n_rows, ...)
    digests : list of bytes
        Digest of each row under the classifier's key.
    key : bytes
        The key of the noise.

    Returns
    -------
    dict
        ``rows`` is a digest of the rows and the key of their noise, ``key`` one of the
        key alone, ``votes`` one of the fitted classifier.
    """
    law = settings["law"]
    described = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in settings.items()
        if name != "law"
    }
    return described | {
        "classes": list(classes),
        "grid": law.grid,
        "key": hashlib.blake2b(b"", key=key, digest_size=8).hexdigest(),
        "n_rows": len(X),
        "noise": law.name,
        "norm": law.norm,
        "row_shape": list(X.shape[1:]),
        "rows": _rows(source, X, law, digests),
        "sigma": law.sigma,
        "versions": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "sksmooth": __version__,
        },
        "votes": hashlib.blake2b(_votes(source, X, law), digest_size=8).hexdigest(),
    }


def _rows(source, X, law, digests):
    """What is certified: more than the digests, which see a row as float32."""
    rows = hashlib.blake2b(b"".join(digests), digest_size=8)
    for row in X:
        # Sampled certificates hold for all rows of a cell of the grid.
        if not hasattr(source, "probits"):
            row = law.snap(row[np.newaxis])
        rows.update((row.astype(np.float64) + 0.0).tobytes())
    return rows.hexdigest()


def _votes(source, X, law):
    """What the classifier answers halfway between rows, where its votes are split.

    Near the rows two classifiers may agree in every vote that is drawn, and differ far
    away; so they are also compared at points that noise of 3 and of 10 sigma leads to.
    Or one row has another label, and all others the same votes; so each has one vote.
    """
    rows = np.linspace(0, len(X) - 1, num=_SAMPLE_ROWS, dtype=int)
    middle = (X[rows] + X[np.roll(rows, 1)]) / 2
    normal = np.random.Generator(np.random.SFC64(0)).standard_normal
    seen = []
    for reach in _REACHES:
        away = law.sigma * np.sqrt(reach**2 - 1.0) * normal(middle.shape)
        # Not where the sum of row and noise would have too many digits.
        most = max(np.abs(X).max(), 3 * reach * law.sigma)
        points = np.clip(middle + away, -most, most).astype(X.dtype)
        if hasattr(source, "probits"):
            # Their last digits may depend on the threads of the BLAS.
            lower, upper = source.probits(points, law.sigma)
            seen.append(np.round([lower, upper], 6) + 0.0)
        else:
            seen.append(_drawn(source, points, _SAMPLE_VOTES))
    if not hasattr(source, "probits"):
        rows = np.linspace(0, len(X) - 1, num=min(len(X), _MOST_ROWS), dtype=int)
        seen.append(_drawn(source, X[rows], 1))
    return b"".join(part.tobytes() for part in seen)


def _drawn(source, points, n_votes):
    sizes = np.full(len(points), n_votes)
    return source.open(points).draw(np.arange(len(points)), sizes, Stage.FINGERPRINT)
