# SPDX-License-Identifier: BSD-3-Clause
"""Table 2 of "Hidden Cost of Randomized Smoothing", from shipped counts."""

import sys
from pathlib import Path

import numpy as np
import pytest

from sksmooth.bounds import clopper_pearson_lower

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def published():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import published_logs
    finally:
        sys.path.remove(str(BENCHMARKS))
    return published_logs


def test_fifteen_of_sixteen_cells_are_within_two_standard_deviations(published):
    off = published.deviations(published.shipped_counts())
    assert len(off) == 16
    outside = {key for key, value in off.items() if abs(value) > 2}
    assert outside == {("max accuracy", 1.0)}


def test_the_text_of_the_paper_is_the_logs_truncated(published):
    """Cat 67 and automobile 92 at .12; cat 22 and ship 68 at 1."""
    counts = published.shipped_counts()
    for sigma, name, percent in (
        (0.12, "cat", 67),
        (0.12, "automobile", 92),
        (1.0, "cat", 22),
        (1.0, "ship", 68),
    ):
        by_class = published.accuracy(counts[sigma])
        assert int(by_class[published.CLASSES.index(name)]) == percent
    worst = [published.CLASSES[published.accuracy(t).argmin()] for t in counts.values()]
    assert worst == ["cat"] * 4


def test_abstention_is_part_of_the_cost(published):
    counts = published.shipped_counts()
    for table in counts.values():
        of_all = published.accuracy(table)
        decided = published.accuracy(table, decided_only=True)
        assert np.all(decided >= of_all)
        assert np.ptp(decided) < np.ptp(of_all)
    decided = published.accuracy(counts[1.0], decided_only=True)
    assert (round(decided.min(), 1), round(decided.max(), 1)) == (38.4, 82.9)


def test_counts_are_those_of_logs(published, tmp_path):
    """On a small log of the published kind, where everything is known."""
    rows = ["idx\tlabel\tpredict\tradius\tcorrect\ttime"]
    top = 0.25 * float(-np.log(0.5))  # any radius will do
    rows += [f"0\t3\t3\t{top:.3f}\t1\t0:00:01", "1\t3\t-1\t0.0\t0\t0:00:01"]
    rows += ["2\t3\t5\t0.4\t0\t0:00:01", "3\t0\t0\t0.5\t1\t0:00:01"]
    (tmp_path / "net_noise_0.25.tsv").write_text("\n".join(rows) + "\n")
    (counts,) = published.counts_of_logs(tmp_path).values()
    np.testing.assert_allclose(counts[3], [3, 1, 1, round(top, 3)])
    np.testing.assert_allclose(counts[0], [1, 1, 0, 0.5])
    assert counts.sum() == pytest.approx(4 + 2 + 1 + round(top, 3) + 0.5)
    with pytest.raises(SystemExit, match="no logs"):
        published.counts_of_logs(tmp_path / "missing")


def test_the_cap_of_the_figures_is_what_votes_can_prove():
    """Unanimous votes prove ``alpha ** (1 / n)``, which is 3.81 sigma for 100,000."""
    from scipy.special import ndtri

    bound = 0.001 ** (1 / 100_000)
    assert clopper_pearson_lower(100_000, 100_000, 0.001) == pytest.approx(bound)
    assert f"{ndtri(bound):.2f}" == "3.81"
