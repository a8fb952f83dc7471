# SPDX-License-Identifier: BSD-3-Clause
"""Try an installed package as its user would; for `make release-test`."""

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import sksmooth
import sksmooth.training
from sksmooth.metrics import classwise_report

installed = Path(sksmooth.__file__).parent
assert installed.is_relative_to(sys.prefix), installed
assert (installed / "py.typed").is_file()
assert sksmooth.__version__ == version("sksmooth")

X, y = load_iris(return_X_y=True, as_frame=False)
clf = sksmooth.SmoothedClassifier(
    LogisticRegression(max_iter=500), method="monte_carlo", random_state=0
)
with tempfile.TemporaryDirectory() as folder:
    log = sksmooth.CertificateLog(Path(folder) / "iris.log", y=y[::5])
    certificates = clf.fit(X, y).certify(X[::5], radii=[0.1], log=log)
    report = classwise_report(y[::5], certificates, radii=[0.1])
    command = [sys.executable, "-m", "sksmooth"]
    subprocess.run([*command, "--help"], check=True, stdout=subprocess.DEVNULL)
    told = subprocess.run(
        [*command, "report", str(log.path)], check=True, capture_output=True, text=True
    ).stdout
assert certificates.holds(0.1).mean() > 0.5
assert told.strip() == report.strip()

# What an extra brings is not there, and is named.
for extra, use in {
    "torch": lambda: sksmooth.training.NoiseAugmentedNet,
    "pandas": certificates.to_frame,
}.items():
    try:
        use()
    except ImportError as error:
        assert extra in str(error)
    else:
        raise AssertionError(f"{extra} came without its extra")
print(f"sksmooth {sksmooth.__version__} works in {installed}")
