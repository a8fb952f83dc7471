# SPDX-License-Identifier: BSD-3-Clause
"""What a certificate says: labels, radii, and the vote weights they were made with."""

from sksmooth.certificates._certificates import (
    Certificates,
    CertifyInterrupted,
    check_radii,
    check_radius,
    class_index,
)
from sksmooth.certificates._labels import LabelIndex, check_classes
from sksmooth.certificates._vote_weights import resolve_vote_weights

__all__ = [
    "Certificates",
    "CertifyInterrupted",
    "LabelIndex",
    "check_classes",
    "check_radii",
    "check_radius",
    "class_index",
    "resolve_vote_weights",
]
