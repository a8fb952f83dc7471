# SPDX-License-Identifier: BSD-3-Clause
"""Work on chunks of samples, one after the other or over several jobs."""

from sksmooth.parallel._chunks import as_many_jobs, run_in_chunks

__all__ = ["as_many_jobs", "run_in_chunks"]
