"""`python -m pipeline` is `easel`."""

import sys

from pipeline.cli import main

sys.exit(main())
