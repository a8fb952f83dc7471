# SPDX-License-Identifier: BSD-3-Clause
"""Smoothing laws: how noise is drawn, and which radius the votes under it prove."""

from sksmooth.noise._gaussian import Gaussian
from sksmooth.noise._row_streams import Stage, draw_noise_key, row_digests, row_stream

__all__ = ["Gaussian", "Stage", "draw_noise_key", "row_digests", "row_stream"]
