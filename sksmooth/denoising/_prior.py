# SPDX-License-Identifier: BSD-3-Clause
"""The prior of a posterior mean: prototypes of many samples, and how wide it is."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.cluster import KMeans, MiniBatchKMeans

# From here on batches find the prototypes: a pass over all samples costs too much.
_MANY_SAMPLES = 20_000
# Samples left out one by one to choose the bandwidth, and distances held at once.
_LEFT_OUT = 500
_DISTANCES = 2**21


def find_prototypes(samples, weight, n_prototypes, random_state):
    """Centers of k-means clusters, and the weight of each cluster.

    Parameters
    ----------
    samples : ndarray of shape (n_samples, n_features)
    weight : ndarray of shape (n_samples,)
    n_prototypes : int
    random_state : int, RandomState instance or None

    Returns
    -------
    prototypes : ndarray of shape (n_found, n_features)
        At most `n_prototypes`.
    weight : ndarray of shape (n_found,)
    """
    distinct = len(np.unique(samples, axis=0))
    if n_prototypes >= distinct:
        return samples, weight
    many = len(samples) > _MANY_SAMPLES
    kmeans = (MiniBatchKMeans if many else KMeans)(
        n_prototypes, n_init=1, random_state=random_state
    ).fit(samples, sample_weight=weight)
    labels = kmeans.labels_
    total = np.bincount(labels, weight, minlength=n_prototypes)
    kept = total > 0
    # The means themselves: batches leave centers that are a little off.
    sums = np.zeros((n_prototypes, samples.shape[1]))
    np.add.at(sums, labels, weight[:, np.newaxis] * samples)
    return sums[kept] / total[kept, np.newaxis], total[kept]


def choose_bandwidth(samples, weight, random_state):
    """Bandwidth under which left-out samples are most likely.

    Parameters
    ----------
    samples : ndarray of shape (n_samples, n_features)
    weight : ndarray of shape (n_samples,)
    random_state : RandomState instance
        Draws the samples that are left out, where there are many.

    Returns
    -------
    float
        0.0 where no two samples differ.

    Notes
    -----
    The prior is a kernel density estimate. Copies of a sample that is left out are left
    out with it: a sample given twice says nothing about its surroundings.
    """
    n_samples, n_features = samples.shape
    if n_samples < 2:
        return 0.0
    left_out = np.arange(n_samples)
    if n_samples > _LEFT_OUT:
        left_out = random_state.choice(n_samples, _LEFT_OUT, replace=False)
    left_out = left_out[weight[left_out] > 0]
    log_weight = np.log(weight, where=weight > 0, out=np.full(n_samples, -np.inf))
    square = np.einsum("ij,ij->i", samples, samples)
    step = max(1, _DISTANCES // n_samples)
    parts = [left_out[i : i + step] for i in range(0, len(left_out), step)]

    def distances(part):
        found = square[part, np.newaxis] + square - 2 * samples[part] @ samples.T
        # What rounding leaves between copies.
        found[found <= 1e-9 * (square[part, np.newaxis] + square)] = np.inf
        return found

    nearest = np.concatenate([distances(part).min(axis=1) for part in parts])
    real = np.isfinite(nearest)
    if not real.any():
        return 0.0

    def loss(log_bandwidth):
        variance = np.exp(2 * log_bandwidth)
        total = 0.0
        for part in parts:
            log_kernel = log_weight - distances(part) / (2 * variance)
            log_density = logsumexp(log_kernel, axis=1)
            alone = ~np.isfinite(log_density)
            total -= weight[part[~alone]] @ log_density[~alone]
        return total + weight[left_out[real]].sum() * n_features * log_bandwidth

    low = 0.5 * np.log(nearest[real].min() / n_features) - 1
    high = 0.5 * np.log(max(samples.var(axis=0).max(), nearest[real].max())) + 1
    found = minimize_scalar(
        loss, bounds=(low, high), method="bounded", options={"xatol": 0.02}
    )
    return float(np.exp(found.x))
