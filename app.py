"""Starts the editor's page: the only place that reads flags and puts the parts together."""

import os
import sys

# Before Gradio and the hub client are imported, which read these once: nothing is sent anywhere.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from genimg_ui.application import serve
from genimg_ui.settings import parse_settings

if __name__ == "__main__":
    serve(parse_settings(sys.argv[1:], os.environ))
