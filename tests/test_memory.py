# SPDX-License-Identifier: BSD-3-Clause
"""Memory is bounded by `batch_size`, however many votes are drawn."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sksmooth

STATUS = Path("/proc/self/status")
MIB = 2**20

pytestmark = pytest.mark.skipif(
    not (STATUS.exists() and "VmHWM" in STATUS.read_text()),
    reason="this system does not tell the peak memory of one process",
)

# Not `getrusage`: on Linux its maximum includes that of the process that started this
# one, which may well be larger than all that is measured here.
MEASURE = """
import json
import numpy as np

def memory(name):
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return 1024 * int(fields[name].split()[0])

def report(ask):
    before = memory("VmRSS")
    answer = ask()
    print(json.dumps({"grown": memory("VmHWM") - before, "answer": answer}))
"""

# A cheap classifier, so that the time goes into the noise.
CERTIFY = """
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sksmooth import SmoothedClassifier

X, y = load_digits(return_X_y=True)
X /= 16

def certify(rows, n, **how):
    base = LogisticRegression().fit(np.tile(X[:500], rows.shape[1] // 64), y[:500])
    clf = SmoothedClassifier.from_fitted(
        base, n_certify=n, random_state=0, method="monte_carlo"
    )
    return int(clf.certify(rows, **how).counts.sum())
"""


def run(code):
    """Run code in a process of its own and return what it reports."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE + code],
        capture_output=True,
        text=True,
        cwd=Path(sksmooth.__file__).parents[1],
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_measurement_sees_what_is_allocated_and_freed_again():
    result = run("report(lambda: np.ones(50 * 2**20 // 8).sum())")
    assert 45 * MIB < result["grown"] < 80 * MIB
    # The memory of this process, the parent, does not count.
    ballast = np.ones(400 * MIB // 8)
    assert run("report(lambda: 0)")["grown"] < 45 * MIB
    assert ballast[-1] == 1


def test_peak_of_certify():
    """Many rows, many votes for a row, and votes until radii hold.

    Each would need more than is allowed if the noise of all its rows were held at once,
    and the second is a single row. The promise is 300 MiB for 200 digits at 100,000
    votes, which is 10 GB of noise and takes longer: its peak is the same.
    """
    result = run(
        CERTIFY
        + """
report(lambda: [
    certify(X[:30], 5_000, tol=0),
    certify(np.tile(X[:1], 8), 20_000, tol=0),
    certify(X[:16], 20_000, beta=0, radii=[0.9]),
])
"""
    )
    digits, wide, _ = result["answer"]
    assert digits == 30 * 5_000
    assert wide == 20_000
    assert result["grown"] < 30 * MIB
