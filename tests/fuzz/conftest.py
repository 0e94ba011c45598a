"""Makes the targets known to the tests beside them."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile(
    'ocec',
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile('ocec')


@pytest.fixture(scope='session')
def executions():
    """How many examples each target gets, where the test has no number of its own."""
    return int(os.environ.get('OCEC_FUZZ_EXECUTIONS', '0'))
