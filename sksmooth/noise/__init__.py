# SPDX-License-Identifier: BSD-3-Clause
"""Noise laws: how noise is drawn, and which radius given probabilities prove."""

from sksmooth.noise._abilities import (
    CategoricalLaw,
    EnumerableLaw,
    LawOfChanges,
    WordLaw,
)
from sksmooth.noise._additive import AdditiveLaw
from sksmooth.noise._deleted_words import DeletedWords
from sksmooth.noise._erase import Erase, ErasedGaussian
from sksmooth.noise._gaussian import Gaussian
from sksmooth.noise._laplace import Laplace
from sksmooth.noise._law import Law
from sksmooth.noise._parameters import check_probability
from sksmooth.noise._resample import Resample, ResampledGaussian
from sksmooth.noise._row_streams import (
    Stage,
    draw_noise_key,
    row_digests,
    row_stream,
    row_streams,
)
from sksmooth.noise._splitting import Splitting
from sksmooth.noise._token_deletion import TokenDeletion
from sksmooth.noise._uniform import Uniform

# By the name that the parameter `noise` of `SmoothedClassifier` takes.
LAWS = {law.name: law for law in (Gaussian, Laplace, Uniform, Splitting)}
_OF_CHANGES = (ResampledGaussian, ErasedGaussian, DeletedWords)
_BY_NAME = LAWS | {law.name: law for law in _OF_CHANGES}
# Those whose noise does not depend on the sample that it is added to.
ADDITIVE_LAWS = {
    name: law for name, law in LAWS.items() if issubclass(law, AdditiveLaw)
}


def law_of(terms):
    """Return the law that some certificates hold under, from their scalars."""
    scale = None
    # Of Gaussian noise in l2, say, certificates need not know the features' number.
    parameters = dict(terms.law or {})
    if terms.scale is not None and terms.noise == Splitting.name:
        # The width of cells is rounded to a grid, which depends on the units.
        scale = [value for value in terms.scale if value > 0]
    law = LAWS.get(terms.noise) or _BY_NAME[terms.noise]
    return law(terms.sigma, terms.norm, scale=scale, **parameters)


__all__ = [
    "ADDITIVE_LAWS",
    "LAWS",
    "AdditiveLaw",
    "CategoricalLaw",
    "DeletedWords",
    "EnumerableLaw",
    "Erase",
    "ErasedGaussian",
    "Gaussian",
    "Laplace",
    "Law",
    "LawOfChanges",
    "Resample",
    "ResampledGaussian",
    "Splitting",
    "Stage",
    "TokenDeletion",
    "Uniform",
    "WordLaw",
    "check_probability",
    "draw_noise_key",
    "law_of",
    "row_digests",
    "row_stream",
    "row_streams",
]
