# SPDX-License-Identifier: BSD-3-Clause
"""Certificates on disk: written while they are made, read back from ours or others'."""

from sksmooth.logs._certificate_log import CertificateLog
from sksmooth.logs._field_tsv import write_field_tsv
from sksmooth.logs._read import read_certificates
from sksmooth.logs._run_settings import describe_run

__all__ = ["CertificateLog", "describe_run", "read_certificates", "write_field_tsv"]
