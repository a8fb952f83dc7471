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


def describe_run(settings, source, X, digests):
    """Return all that defines the certificates of a run, of types that JSON knows.

    Parameters
    ----------
    settings : dict
        Keyword arguments of the procedure.
    source : vote source
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
    described.setdefault("radii", None)
    sample = X[:_SAMPLE_ROWS]
    votes = b""
    if len(sample):
        rows = np.arange(len(sample))
        sizes = np.full(len(sample), _SAMPLE_VOTES)
        votes = source.open(sample).draw(rows, sizes, Stage.FINGERPRINT).tobytes()
    return described | {
        "classes": [plain(label) for label in source.classes],
        "grid": law.grid,
        "method": "monte_carlo",
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
        "votes": hashlib.blake2b(votes, digest_size=8).hexdigest(),
    }
