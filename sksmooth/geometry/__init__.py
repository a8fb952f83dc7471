# SPDX-License-Identifier: BSD-3-Clause
"""Regions whose smoothing is known in closed form."""

from sksmooth.geometry._any_law import (
    categories_vanishing_probability,
    categories_vote_probability,
    l1_ball_vanishing_sigma,
    volume_vanishing_bound,
    words_vanishing_probability,
)
from sksmooth.geometry._ball import (
    ball_asymptotic_radius,
    ball_certified_radius,
    ball_shrinking_rate,
    ball_shrinking_sigma,
    ball_smoothed_radius,
    ball_vanishing_sigma,
    ball_vote_probability,
)
from sksmooth.geometry._box import (
    box_certified_radius,
    box_smoothed_halfwidths,
    box_vanishing_sigma,
    box_vote_probability,
)
from sksmooth.geometry._cone import (
    cone_apex_shift,
    cone_certified_radius,
    cone_shrinking_angle,
    cone_shrinking_rate,
    cone_smoothed_boundary,
    cone_vote_probability,
)
from sksmooth.geometry._denoised_ball import (
    denoised_ball_boundary,
    denoised_blobs_boundary,
)
from sksmooth.geometry._denoised_line import (
    denoised_line_boundaries,
    denoised_line_least_share,
    denoised_line_vanishing_sigma,
    denoised_line_vote_probability,
)
from sksmooth.geometry._half_space import (
    half_space_boundary_shift,
    half_space_certified_radius,
    half_space_vanishing_sigma,
    half_space_vote_probability,
)
from sksmooth.geometry._line_mixture import (
    line_mixture_accuracy,
    line_mixture_region,
    line_mixture_takeover_bound,
    line_mixture_takeover_sigma,
)
from sksmooth.geometry._slab import (
    slab_certified_radius,
    slab_shrinking_sigma,
    slab_smoothed_halfwidth,
    slab_vanishing_sigma,
    slab_vote_probability,
)
from sksmooth.geometry._theorems import (
    ball_shrinking_bound,
    ball_vanishing_bound,
    cone_narrowness_angle,
    cone_rate_bound,
    cone_shrinking_bound,
)

__all__ = [
    "ball_asymptotic_radius",
    "ball_certified_radius",
    "ball_shrinking_bound",
    "ball_shrinking_rate",
    "ball_shrinking_sigma",
    "ball_smoothed_radius",
    "ball_vanishing_bound",
    "ball_vanishing_sigma",
    "ball_vote_probability",
    "box_certified_radius",
    "box_smoothed_halfwidths",
    "box_vanishing_sigma",
    "box_vote_probability",
    "categories_vanishing_probability",
    "categories_vote_probability",
    "cone_apex_shift",
    "cone_certified_radius",
    "cone_narrowness_angle",
    "cone_rate_bound",
    "cone_shrinking_angle",
    "cone_shrinking_bound",
    "cone_shrinking_rate",
    "cone_smoothed_boundary",
    "cone_vote_probability",
    "denoised_ball_boundary",
    "denoised_blobs_boundary",
    "denoised_line_boundaries",
    "denoised_line_least_share",
    "denoised_line_vanishing_sigma",
    "denoised_line_vote_probability",
    "half_space_boundary_shift",
    "half_space_certified_radius",
    "half_space_vanishing_sigma",
    "half_space_vote_probability",
    "l1_ball_vanishing_sigma",
    "line_mixture_accuracy",
    "line_mixture_region",
    "line_mixture_takeover_bound",
    "line_mixture_takeover_sigma",
    "slab_certified_radius",
    "slab_shrinking_sigma",
    "slab_smoothed_halfwidth",
    "slab_vanishing_sigma",
    "slab_vote_probability",
    "volume_vanishing_bound",
    "words_vanishing_probability",
]
