# SPDX-License-Identifier: BSD-3-Clause
"""Randomized smoothing for scikit-learn, and its hidden cost seen class by class."""

from sksmooth._certify import certify
from sksmooth._smoothed_classifier import SmoothedClassifier
from sksmooth._version import __version__
from sksmooth.certificates import Certificates, CertifyInterrupted
from sksmooth.logs import CertificateLog, read_certificates, write_field_tsv
from sksmooth.questions import recertify
from sksmooth.tuning import TunedVoteClassifierCV

__all__ = [
    "CertificateLog",
    "Certificates",
    "CertifyInterrupted",
    "SmoothedClassifier",
    "TunedVoteClassifierCV",
    "__version__",
    "certify",
    "read_certificates",
    "recertify",
    "write_field_tsv",
]
