# SPDX-License-Identifier: BSD-3-Clause
"""The protocol of a question: what is to be known of each sample, and from what."""

import abc
from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sksmooth.certificates import Answers
from sksmooth.noise import Law
from sksmooth.votes import VoteRequest

# What drives a sampled source: requests out, counts in, results at the end.
Procedure = Generator[VoteRequest, np.ndarray, Answers]


@dataclass(frozen=True)
class Question(abc.ABC):
    """A question about the vote of each sample.

    A new question states how it is decided from votes, as a generator that yields a
    `VoteRequest` for the samples that need more votes, is sent their counts, and
    returns the results when all samples are finished; and how from probabilities.

    Attributes
    ----------
    task : str
        What a progress bar shows.
    """

    task: ClassVar[str]

    @property
    @abc.abstractmethod
    def expected_votes(self) -> float:
        """Votes that a sample takes, about; closed forms are weighed against them."""

    def check(self, n_classes: int) -> None:
        """Refuse what no votes could decide, before any is drawn."""

    @abc.abstractmethod
    def from_votes(self, n_samples: int, n_classes: int) -> Procedure:
        """Decide by sampled votes."""

    @abc.abstractmethod
    def from_enumeration(self, counts: np.ndarray, law: Law) -> Answers:
        """Decide by the votes of all noisy copies of each sample.

        Parameters
        ----------
        counts : ndarray of int of shape (n_samples, n_classes)
        law : Law
            With a method `counted_radius`, see `sksmooth.noise.Splitting`.
        """

    @abc.abstractmethod
    def from_probabilities(self, probits: tuple[np.ndarray, np.ndarray]) -> Answers:
        """Decide by the probabilities of the classes.

        Parameters
        ----------
        probits : (lower, upper), ndarrays of shape (n_samples, n_classes)
            ``Phi^-1`` of bounds on the probabilities; equal where these are exact.
        """
