# SPDX-License-Identifier: BSD-3-Clause
"""What a certificate says: labels, radii, and the vote weights they were made with."""

from sksmooth.certificates._certificates import (
    Certificates,
    CertifyInterrupted,
    check_radii,
    check_radius,
    class_index,
    require_certificates,
)
from sksmooth.certificates._known_classes import (
    describe_unknown,
    require_known,
    unknown_classes,
)
from sksmooth.certificates._labels import (
    LabelIndex,
    UnknownLabelError,
    array_of_labels,
    check_classes,
    check_given_labels,
    refuse_masked,
)
from sksmooth.certificates._row_answers import Answers, Labels, RowAnswers, Shares
from sksmooth.certificates._vote_weights import resolve_vote_weights

__all__ = [
    "Answers",
    "Certificates",
    "CertifyInterrupted",
    "LabelIndex",
    "Labels",
    "RowAnswers",
    "Shares",
    "UnknownLabelError",
    "array_of_labels",
    "check_classes",
    "check_given_labels",
    "check_radii",
    "check_radius",
    "class_index",
    "describe_unknown",
    "refuse_masked",
    "require_certificates",
    "require_known",
    "resolve_vote_weights",
    "unknown_classes",
]
