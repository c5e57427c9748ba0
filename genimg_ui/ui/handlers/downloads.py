"""The shown result in another format, made when it is asked for."""

from typing import Any

import gradio as gr

from genimg_ui.credentials.reading import CredentialState, Verdict
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.exporting.exporter import Exported
from genimg_ui.exporting.formats import TITLES, ExportOptions
from genimg_ui.ui import views
from genimg_ui.ui.page import QUIET, Handlers
from genimg_ui.ui.panels import Updates, Values

Json = dict[str, Any]
AT_ONCE = 2  # files asked for side by side; more wait in the page's queue, not in a thread


class DownloadHandlers(Handlers):
    """Listeners of the download panel."""

    def connect(self) -> None:
        """Give the button its listener; another result empties what is shown."""
        page, panel = self.page, self.page.downloads
        panel.make.click(
            self.on_make,
            inputs={page.key, page.compare, *panel.chosen()},
            outputs=[panel.file, page.status],
            concurrency_limit=AT_ONCE,
            trigger_mode="always_last",  # other options may be chosen before the first is ready
            api_visibility="private",
            show_progress="minimal",
        )
        page.compare.change(
            self.on_shown,
            inputs={page.compare, panel.file},
            outputs=[panel.file],
            **QUIET,
        )

    def on_make(self, values: Values) -> Updates:
        """Make the file and offer it; what is refused stands in the panel and the status."""
        page, panel = self.page, self.page.downloads
        try:
            session = page.session(values)
            shown = values[page.compare] or {}
            if "entry" not in shown:
                raise RefusedInput("A result must be shown to be downloaded, got none.")
            options = panel.read(values)
            who = str(shown["entry"]), int(shown["index"])
            made = page.host.downloads.make(session, *who, options)
        except GenimgError as problem:
            return {panel.file: {}, page.status: views.message(str(problem), kind="error")}
        name = str(shown.get("filename") or "result.png").removesuffix(".png")
        told = self._told(made, options, name) | {"entry": who[0], "index": who[1]}
        return {panel.file: told, page.status: gr.skip()}

    def on_shown(self, values: Values) -> Updates:
        """Take away what belongs to another result than the one that is shown now."""
        panel = self.page.downloads
        shown, told = values[self.page.compare] or {}, values[panel.file] or {}
        same = all(shown.get(name) == told.get(name) for name in ("entry", "index"))
        return {panel.file: gr.skip() if same or not told else {}}

    def _told(self, made: Exported, options: ExportOptions, name: str) -> Json:
        size = made.path.stat().st_size
        return {
            "url": self.page.link(made.path),
            "filename": f"{name}{options.format.suffix}",
            "label": f"Download {TITLES[options.format]}, {size / 1e6:.2f} MB",
            "notes": list(made.notes),
            "verdict": None if made.verdict is None else verdict_view(made.verdict),
        }


def verdict_view(verdict: Verdict) -> Json:
    """The credentials of a file as lines of text."""
    return {
        "state": str(verdict.state),
        "text": verdict.sentence,
        "lines": [*verdict.problems, *verdict.edits, *(f"from {i}" for i in verdict.ingredients)],
    }


def verdict_findings(verdict: Verdict) -> list[Json]:
    """The same as findings of the status line; none for a file without credentials."""
    if verdict.state is CredentialState.NONE:
        return []
    told = verdict_view(verdict)
    return [{"sentence": line, "remedy": None} for line in (told["text"], *told["lines"])]
