"""`python -m neurorave_train.experiments TABLE --data DIR --work DIR`."""

import sys

from .cli import main

sys.exit(main())
