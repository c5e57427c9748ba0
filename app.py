"""Starts the editor's page: the only place that reads flags and puts the parts together."""

import os
import sys

# Before Gradio and the hub client are imported, which read these once: nothing is sent anywhere.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Before torch is, in the worker that inherits it: its threads sleep while they wait. Threads that
# spin slow an edit a hundredfold where another program has a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from genimg_ui.application import serve
from genimg_ui.settings import parse_settings

if __name__ == "__main__":
    serve(parse_settings(sys.argv[1:], os.environ))
