"""``python -m guildhall`` is the ``guildhall`` command."""

import sys

from guildhall.command.main import main

sys.exit(main())
