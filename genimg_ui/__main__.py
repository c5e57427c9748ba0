"""`python -m genimg_ui`: the editor without the page."""

import sys

from genimg_ui.cli import main

sys.exit(main(sys.argv[1:]))
