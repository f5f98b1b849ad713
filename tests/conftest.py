"""Settings for all tests.

Hypothesis has no deadline: how long an example takes says how busy the machine is, nothing else. The garbage
collector runs as rarely as in `dsv4-opt`: modules are large and live as long as a test. Processes that tests
start keep what they compile, wherever the environment says otherwise: compiling is half of a short run.
"""

import gc
import os

from hypothesis import settings

gc.set_threshold(100_000, 50, 50)

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
