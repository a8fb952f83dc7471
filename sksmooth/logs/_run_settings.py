# SPDX-License-Identifier: BSD-3-Clause
"""What a run of certify is defined by, for the head of its log."""

import hashlib

import numpy as np
import scipy
import sklearn

from sksmooth._version import __version__
from sksmooth.noise import Stage

_SAMPLE_ROWS, _SAMPLE_VOTES = 16, 32


def describe_run(question, source, classes, X, digests):
    """Return all that defines the certificates of a run, of types that JSON knows.

    Parameters
    ----------
    question : Certify
    source : vote source
    classes : ndarray of shape (n_classes,)
    X : ndarray of shape (n_rows, ...)
    digests : list of bytes
        Digest of each row under the classifier's key.

    Returns
    -------
    dict
        ``rows`` is a digest of the rows and the key of their noise, ``votes`` one of
        the fitted classifier.
    """
    law = question.law
    return question.described(source.method) | {
        "classes": list(classes),
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
    """What is certified: more than the digests, which see a row as float32."""
    rows = hashlib.blake2b(b"".join(digests), digest_size=8)
    for row in X:
        # Sampled certificates hold for all rows of a cell of the grid.
        if source.method != "exact":
            row = law.snap(row[np.newaxis])
        rows.update((row.astype(np.float64) + 0.0).tobytes())
    return rows.hexdigest()


def _votes(source, X, law):
    """What the classifier answers halfway between rows, where its votes are split.

    On the rows themselves two classifiers may well agree in every vote.
    """
    rows = np.linspace(0, len(X) - 1, num=_SAMPLE_ROWS, dtype=int)
    points = (X[rows] + X[np.roll(rows, 1)]) / 2
    if source.method == "exact":
        # Their last digits may depend on the threads of the BLAS.
        lower, upper = source.probits(points)
        return np.round([lower, upper], 6).tobytes()
    sizes = np.full(len(points), _SAMPLE_VOTES)
    drawn = source.open(points).draw(np.arange(len(points)), sizes, Stage.FINGERPRINT)
    return drawn.tobytes()
