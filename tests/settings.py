"""The settings as type checkers see them: test mode, no services."""

import os

os.environ.setdefault("GUILDHALL_MODE", "test")

from marketplace.settings import *  # noqa: F403  (the mode must be set before the settings are read)
