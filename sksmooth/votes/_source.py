# SPDX-License-Identifier: BSD-3-Clause
"""What a vote source is: a smoothed model and a question in, results out."""

import abc
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sksmooth.noise import Law, Stage


class Declined(Exception):
    """A source cannot serve a model; the message is the reason."""


@dataclass(frozen=True)
class Model:
    """All that defines a smoothed classifier.

    Attributes
    ----------
    estimator : fitted classifier
    classes : ndarray of shape (n_classes,)
        Its labels.
    law : Law
        The noise.
    key : bytes
        What the noise of each sample is derived from, see `draw_noise_key`.
    batch_size : int or None
        Most noisy copies held in memory, and given to `predict`, at a time; see
        `copies_at_once`.
    device : str, torch.device or None
        Where a network runs; None is where it is.
    as_frame : callable or None
        Makes arrays the frames that the estimator takes, see
        `sksmooth._estimators.frames_like`.
    may_miss : bool
        Whether values that take noise may be missing in a sample.
    weighted : bool
        Whether the votes of some classes count more than those of others.
    """

    estimator: Any
    classes: np.ndarray
    law: Law
    key: bytes
    batch_size: int | None
    device: Any = None
    as_frame: Any = None
    may_miss: bool = False
    weighted: bool = False


class VoteRequest(NamedTuple):
    """What a question needs next.

    Attributes
    ----------
    rows : ndarray of int
        Positions of the samples that need votes.
    sizes : int or ndarray of int of shape (len(rows),)
        How many each of them needs.
    stage : Stage
        The stream they are drawn from.
    n_finished : int
        How many samples need none any more; for showing progress.
    """

    rows: np.ndarray
    sizes: int | np.ndarray
    stage: Stage
    n_finished: int = 0


class Source(abc.ABC):
    """Where the votes, or their probabilities, of one model come from.

    Attributes
    ----------
    method : {"monte_carlo", "exact"}
        Whether votes are sampled or their probabilities computed.
    serial : bool
        Whether one job at a time may use it.
    break_even_votes : float
        Votes per sample from which on it costs less than sampling `predict`, estimated
        from counts of operations and not timed, so that the choice of a source is the
        same in every run.
    seconds_per_sample : float or None
        Estimated time of a closed form.
    only_exact : bool
        Whether the caller wants nothing that is sampled.
    reproducible : bool
        Whether votes are the same to the last one whatever batch they are counted in.
    """

    method: ClassVar[str]
    serial: bool = False
    break_even_votes: float = 0.0
    seconds_per_sample: float | None = None
    reproducible: bool = True
    only_exact: bool = False

    def check(self, question) -> None:
        """Refuse a question that this source cannot decide, before any work."""

    def probe(self, X) -> None:
        """Refuse a classifier whose labels are not fixed, before any work.

        Sources look for that once; one that may have changed since is probed anew.
        """

    @abc.abstractmethod
    def answer(self, question, X, on_finished=None):
        """Results of a question for samples.

        Parameters
        ----------
        question : Question
            Of `sksmooth.questions`.
        X : ndarray of shape (n_samples, ...)
        on_finished : callable, default=None
            Called with numbers of samples as they finish.

        Returns
        -------
        What the question returns.
        """


@dataclass(frozen=True)
class VoteSource:
    """Where the votes of a smoothed classifier come from.

    Attributes
    ----------
    method : {"monte_carlo", "exact"}
        Whether votes are sampled or their probabilities computed.
    name : str
        Name of the source.
    seconds_per_sample : float or None
        Estimated time of a closed form; None where votes are sampled.
    """

    method: str
    name: str
    seconds_per_sample: float | None = None

    @classmethod
    def of(cls, source: Source) -> "VoteSource":
        """Describe a source."""
        return cls(source.method, type(source).__name__, source.seconds_per_sample)
