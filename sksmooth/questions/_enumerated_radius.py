# SPDX-License-Identifier: BSD-3-Clause
"""The radius that the votes of all noisy copies of a sample prove."""

import numpy as np

from sksmooth.certificates import RowAnswers
from sksmooth.questions._decide_label import leading_class


def enumerated_radius(counts, law, weights):
    """Class that leads among all copies, and the radius within which it does.

    Parameters
    ----------
    counts : ndarray of int of shape (n_samples, n_classes)
        Votes of all copies.
    law : Law
        With a method `counted_radius`.
    weights : ndarray of shape (n_classes,) or None

    Returns
    -------
    label : ndarray of int of shape (n_samples,)
    radius : ndarray of float of shape (n_samples,)
        A radius of 0 is one too: the label itself is never in doubt.
    """
    label = leading_class(counts, weights)
    return label, law.counted_radius(counts, label, weights).astype(np.float64)


def enumerated_answers(counts, label, radius, abstained):
    """Results that have no error probability."""
    n_copies = counts.sum(axis=1)
    share = counts[np.arange(len(counts)), label] / n_copies
    return RowAnswers(
        label=label,
        radius=radius,
        abstained=abstained,
        p_lower=np.nextafter(share, 0.0),
        counts=counts,
        n_evaluations=n_copies,
        label_counts=counts,
    )
