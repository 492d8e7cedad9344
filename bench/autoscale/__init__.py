# SPDX-License-Identifier: Apache-2.0
"""AI Core's autoscaling without a cluster: python3 -m autoscale --help (PYTHONPATH=bench)."""
