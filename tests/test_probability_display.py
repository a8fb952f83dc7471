# SPDX-License-Identifier: BSD-3-Clause
"""The curves of probabilities are shares of samples, and show what ACR hides."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtri

from sksmooth import Certificates
from sksmooth.inspection import ProbabilityDisplay
from sksmooth.metrics import average_certified_radius_score

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def certified(label, p, sigma, classes):
    """Certificates of two-way radii."""
    p, n = np.asarray(p, dtype=float), len(label)
    return Certificates(
        label=label,
        radius=np.where(p > 0.5, np.maximum(sigma * ndtri(np.maximum(p, 0.5)), 0), 0.0),
        abstained=p <= 0.5,
        p_lower=p,
        counts=np.zeros((n, len(classes)), int),
        n_evaluations=np.zeros(n, int),
        classes=classes,
        sigma=sigma,
        noise="gaussian",
        norm=2,
        alpha=0.001,
        method="monte_carlo",
    )


def share_at(line, p):
    """What is drawn at p: steps hold up to their point."""
    x, y = line.get_data()
    return y[np.searchsorted(x, p, side="left")]


def test_curves_are_shares():
    rng = np.random.default_rng(0)
    classes = np.array(["cat", "dog", "owl"])  # no sample is an owl
    y = rng.choice(classes[:2], 300)
    label = np.where(rng.random(300) < 0.8, y, "owl")
    certificates = certified(label, rng.random(300), 0.5, classes)
    display = ProbabilityDisplay.from_certificates(y, certificates, name="net")
    assert list(display.lines_) == ["cat", "dog"]
    right = (label == y) & ~certificates.abstained
    for p in (0.0, 0.3, 0.55, 0.8, *certificates.p_lower[:20], 0.999):
        meets = right & (certificates.p_lower >= p)
        assert_allclose(share_at(display.overall_, p), meets.mean())
        for name, line in display.lines_.items():
            assert_allclose(share_at(line, p), meets[y == name].mean())
    assert display.ax_.get_title() == "net, σ = 0.5"


def test_what_the_average_radius_hides():
    """It is larger for a classifier that has given up nine of ten classes."""
    classes = np.arange(10)
    y = np.repeat(classes, 20)
    knows_all = certified(y, np.full(200, 0.8), 0.5, classes)
    one_label = certified(
        np.zeros(200, dtype=int), np.full(200, 1 - 1e-12), 2.0, classes
    )
    acr = [average_certified_radius_score(y, found) for found in (knows_all, one_label)]
    assert acr[1] > 3 * acr[0]
    worst = [
        average_certified_radius_score(y, found, average="worst")
        for found in (knows_all, one_label)
    ]
    assert worst[0] > worst[1] == 0
    lines = ProbabilityDisplay.from_certificates(y, one_label).lines_
    assert [share_at(lines[c], 0.5) for c in classes] == [1.0, *[0.0] * 9]


def test_certificates_at_given_radii_are_refused():
    found = certified(np.zeros(4, dtype=int), np.full(4, 0.9), 1.0, np.arange(2))
    found = dataclasses.replace(found, radii=(0.5,))
    with pytest.raises(ValueError, match="without radii"):
        ProbabilityDisplay.from_certificates(np.zeros(4), found)


def test_many_classes_are_grey_but_the_best_and_the_worst():
    y = np.arange(140) % 7
    certificates = certified(y, 0.55 + 0.06 * y, 0.5, np.arange(7))
    display = ProbabilityDisplay.from_predictions(y, certificates)
    grey = [c for c, line in display.lines_.items() if line.get_color() == "0.72"]
    assert grey == [1, 2, 3, 4, 5]
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["overall", "6", "5 classes between", "0"]
    chosen = display.plot(classes=[2, 4], legend=False)
    assert list(chosen.lines_) == [2, 4]
    assert chosen.legend_ is None
