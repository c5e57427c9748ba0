"""The panel below the comparison: the shown result in another format."""

from dataclasses import dataclass
from typing import Self

import gradio as gr
from gradio.components import Component

from genimg_ui.exporting.formats import (
    DEFAULT_QUALITY,
    TITLES,
    ExportOptions,
    ExportPolicy,
    format_named,
)
from genimg_ui.ui import texts
from genimg_ui.ui.panels import Panel, Values
from genimg_ui.ui.parts import Download


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DownloadPanel(Panel):
    """What a person chooses about a file that leaves; `file` shows what was made."""

    form: gr.Dropdown
    quality: gr.Slider
    bare: gr.Checkbox
    signed: gr.Checkbox
    make: gr.Button
    file: Download

    @classmethod
    def build(cls, policy: ExportPolicy) -> Self:
        with gr.Row(elem_id="download-row"):
            form = gr.Dropdown(
                [(title, str(name)) for name, title in TITLES.items()],
                value="png",
                label="Format",
                filterable=False,
                elem_id="download-format",
                info=texts.DOWNLOAD_FORMAT,
            )
            quality = gr.Slider(
                1,
                100,
                DEFAULT_QUALITY,
                step=1,
                label="Quality of a JPEG",
                info=texts.DOWNLOAD_QUALITY,
                elem_id="download-quality",
            )
        bare = gr.Checkbox(
            not policy.record,
            label="Leave the edit's record out of the file",
            info=texts.DOWNLOAD_BARE,
            elem_id="download-bare",
        )
        signed = gr.Checkbox(
            policy.credentials,
            label="Sign with content credentials",
            info=texts.DOWNLOAD_TEST if policy.files is None else texts.DOWNLOAD_SIGNED,
            elem_id="download-signed",
        )
        make = gr.Button("Make the file", elem_id="download-make")
        return cls(form=form, quality=quality, bare=bare, signed=signed, make=make, file=Download())

    def chosen(self) -> set[Component]:
        """What `read` reads."""
        return {self.form, self.quality, self.bare, self.signed}

    def read(self, values: Values) -> ExportOptions:
        """The options that the widgets show; raises RefusedInput."""
        form = format_named(str(values[self.form] or ""))
        signed = bool(values[self.signed])
        return ExportOptions(
            format=form,
            quality=int(values[self.quality] or 0),
            record=not values[self.bare],
            # The box is about every format: one that cannot be signed says so and goes unsigned.
            credentials=None if signed and form.layered else signed,
        )
