# SPDX-License-Identifier: BSD-3-Clause
"""What a run of certify is defined by, for the head of its log."""

import hashlib

import numpy as np
import scipy
import sklearn

from sksmooth._version import __version__
from sksmooth.logs._line_format import plain
from sksmooth.noise import Stage

_SAMPLE_ROWS, _SAMPLE_VOTES = 16, 16


def describe_run(settings, source, classes, X, digests):
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

    Returns
    -------
    dict
        ``votes`` is a digest of a few votes: a classifier that was fitted otherwise is
        most likely seen there, and the key of the noise in the rows' digests.
    """
    law = settings["law"]
    described = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in settings.items()
        if name != "law"
    }
    return described | {
        "classes": [plain(label) for label in classes],
        "grid": law.grid,
        "n_rows": len(X),
        "noise": law.name,
        "norm": law.norm,
        "row_shape": list(X.shape[1:]),
        "rows": hashlib.blake2b(b"".join(digests), digest_size=8).hexdigest(),
        "sigma": law.sigma,
        "versions": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "sksmooth": __version__,
        },
        "votes": hashlib.blake2b(
            _votes(source, X[:_SAMPLE_ROWS], law), digest_size=8
        ).hexdigest(),
    }


def _votes(source, X, law):
    if not len(X):
        return b""
    if hasattr(source, "probits"):
        lower, upper = source.probits(X, law.sigma)
        return np.concatenate([lower, upper]).tobytes()
    sizes = np.full(len(X), _SAMPLE_VOTES)
    return source.open(X).draw(np.arange(len(X)), sizes, Stage.FINGERPRINT).tobytes()
