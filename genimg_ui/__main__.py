"""`python -m genimg_ui`: the editor without the page."""

import os
import sys

# Before torch is imported, which reads it once; see app.py.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from genimg_ui.cli import main

sys.exit(main(sys.argv[1:]))
