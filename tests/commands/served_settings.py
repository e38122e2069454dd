"""The settings of the tests for a site of its own processes, which notes what its database holds."""

import os
from pathlib import Path

from tests.settings import *

LAST_KNOWN = Path(os.environ["LAST_KNOWN"])
ALLOWED_HOSTS = ["127.0.0.1"]
