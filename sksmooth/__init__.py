# SPDX-License-Identifier: BSD-3-Clause
"""Randomized smoothing for scikit-learn, and its hidden cost seen class by class."""

from sksmooth._certificates import Certificates, CertifyInterrupted
from sksmooth._recertify import recertify
from sksmooth._smoothed_classifier import SmoothedClassifier
from sksmooth._tuned_vote import TunedVoteClassifierCV
from sksmooth._version import __version__
from sksmooth.logs import CertificateLog, read_certificates, write_field_tsv

__all__ = [
    "CertificateLog",
    "Certificates",
    "CertifyInterrupted",
    "SmoothedClassifier",
    "TunedVoteClassifierCV",
    "__version__",
    "read_certificates",
    "recertify",
    "write_field_tsv",
]
