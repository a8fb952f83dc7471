# SPDX-License-Identifier: BSD-3-Clause
"""How decision regions shrink with the noise: measured on classifiers, and computed.

The closed forms are those of `sksmooth.geometry`, which hold for any classifier that
has such a region.
"""

from sksmooth.geometry import (
    ball_asymptotic_radius,
    ball_certified_radius,
    ball_smoothed_radius,
    ball_vanishing_sigma,
    ball_vote_probability,
    box_certified_radius,
    box_smoothed_halfwidths,
    box_vanishing_sigma,
    box_vote_probability,
    cone_apex_shift,
    cone_certified_radius,
    cone_shrinking_rate,
    cone_smoothed_boundary,
    cone_vote_probability,
    denoised_ball_boundary,
    denoised_blobs_boundary,
    denoised_line_boundaries,
    denoised_line_least_share,
    denoised_line_vanishing_sigma,
    denoised_line_vote_probability,
    half_space_boundary_shift,
    half_space_certified_radius,
    half_space_vanishing_sigma,
    half_space_vote_probability,
    slab_certified_radius,
    slab_smoothed_halfwidth,
    slab_vanishing_sigma,
    slab_vote_probability,
)
from sksmooth.shrinkage._curve import ShrinkageCurve, shrinkage_curve
from sksmooth.shrinkage._region_volume import RegionVolume, region_volume
from sksmooth.shrinkage._vanishing import VanishingSigma, vanishing_sigma

__all__ = [
    "RegionVolume",
    "ShrinkageCurve",
    "VanishingSigma",
    "ball_asymptotic_radius",
    "ball_certified_radius",
    "ball_smoothed_radius",
    "ball_vanishing_sigma",
    "ball_vote_probability",
    "box_certified_radius",
    "box_smoothed_halfwidths",
    "box_vanishing_sigma",
    "box_vote_probability",
    "cone_apex_shift",
    "cone_certified_radius",
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
    "region_volume",
    "shrinkage_curve",
    "slab_certified_radius",
    "slab_smoothed_halfwidth",
    "slab_vanishing_sigma",
    "slab_vote_probability",
    "vanishing_sigma",
]
