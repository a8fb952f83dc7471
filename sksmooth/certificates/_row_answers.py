# SPDX-License-Identifier: BSD-3-Clause
"""What is known of each sample, before it is written into certificates."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np


class Answers:
    """Arrays over samples; a dataclass of its own for each kind of question."""

    @classmethod
    def concatenate(cls, parts: "list[Self]") -> Self:
        """Join the results for consecutive samples."""
        if len(parts) == 1:
            return parts[0]
        columns = {}
        for field in fields(cls):  # type: ignore[arg-type] # is a dataclass
            values = [getattr(part, field.name) for part in parts]
            columns[field.name] = None if values[0] is None else np.concatenate(values)
        return cls(**columns)


@dataclass(frozen=True)
class Shares(Answers):
    """Share of the votes of each class.

    Attributes
    ----------
    shares : ndarray of shape (n_samples, n_classes)
    """

    shares: np.ndarray


@dataclass(frozen=True)
class Labels(Answers):
    """The class that leads the vote.

    Attributes
    ----------
    label : ndarray of int of shape (n_samples,)
        Positions among the classes.
    counts : ndarray of int of shape (n_samples, n_classes)
    n_evaluations : ndarray of int of shape (n_samples,)
    """

    label: np.ndarray
    counts: np.ndarray
    n_evaluations: np.ndarray


@dataclass(frozen=True)
class RowAnswers(Answers):
    """What `Certificates` hold of each sample, see there.

    Attributes
    ----------
    label : ndarray of shape (n_samples,)
        Positions among the classes, or the labels themselves, see `named`.
    radius, p_lower : ndarray of float of shape (n_samples,)
    abstained : ndarray of bool of shape (n_samples,)
    counts : ndarray of int of shape (n_samples, n_classes)
    n_evaluations : ndarray of int of shape (n_samples,)
    label_counts : ndarray of int of shape (n_samples, n_classes)
        The votes that chose the label: those of the pilot, or those of the look at
        which the radius was shown. Logs keep them for `python -m sksmooth verify`.
    p_upper : ndarray of shape (n_samples, n_classes) or None
        None if no closed form gave the probabilities, or if a log was read.
    frontier : ndarray of shape (n_samples, n_changes) or None
        Radii beside changes, where these were asked for at given radii.
    """

    label: np.ndarray
    radius: np.ndarray
    abstained: np.ndarray
    p_lower: np.ndarray
    counts: np.ndarray
    n_evaluations: np.ndarray
    label_counts: np.ndarray
    p_upper: np.ndarray | None = None
    frontier: np.ndarray | None = None

    def named(self, classes: np.ndarray) -> Self:
        """Return the same with labels in place of their positions."""
        return replace(self, label=classes[self.label])
