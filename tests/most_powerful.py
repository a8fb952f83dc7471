# SPDX-License-Identifier: BSD-3-Clause
"""Most powerful tests of two distributions on few points (Neyman and Pearson)."""

import numpy as np


def largest_probability(here, there, p):
    """Largest probability `there` of an event of probability `p` `here`.

    Parameters
    ----------
    here, there : ndarray of shape (n_points,)
        Probabilities of the points.
    p : ndarray
        Events may be drawn by lot, so that any probability is met.
    """
    impossible = here <= 0
    base = there[impossible].sum()
    here, there = here[~impossible], there[~impossible]
    order = np.argsort(-there / here)
    up = np.concatenate([[0.0], np.cumsum(here[order])])
    gained = np.concatenate([[0.0], np.cumsum(there[order])])
    return base + np.interp(p, up, gained)
