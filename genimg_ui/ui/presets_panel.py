"""Presets on the page: choose one at the top of the settings; save, share and fill in below it."""

from dataclasses import dataclass
from typing import Any, Self

import gradio as gr
from gradio.blocks import Block

from genimg_ui.presets import GROUPS, Preset
from genimg_ui.ui import texts
from genimg_ui.ui.choice import Choice

KEPT = [group for group in GROUPS if group != "model"]  # what a new preset keeps at first


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PresetsPanel:
    """The dropdown, and two groups that are hidden until they are wanted."""

    preset: Choice
    manage: gr.Button
    template_group: gr.Group
    template: gr.Textbox
    fields: gr.Textbox
    fill: gr.Button
    manage_group: gr.Group
    name: gr.Textbox
    groups: gr.CheckboxGroup
    save: gr.Button
    delete: gr.Button
    export: gr.Button
    bring_in: gr.UploadButton
    download: gr.Textbox  # JSON of a file to fetch; never seen
    managing: gr.Checkbox  # never seen

    @classmethod
    def build(cls, presets: tuple[Preset, ...]) -> Self:
        with gr.Row(elem_id="preset-row"):
            preset = Choice(
                choices_of(presets), value=None, label="Preset", info=texts.PRESET,
                elem_id="preset", scale=5, min_width=150,
            )  # fmt: skip
            manage = gr.Button(
                "Manage presets", elem_id="preset-manage", scale=1, min_width=90, size="sm"
            )
        with gr.Group(visible=False, elem_id="template-group") as template_group:
            template = gr.Textbox(
                label="Prompt template", info=texts.TEMPLATE, lines=2, elem_id="template"
            )
            fields = gr.Textbox(label="Fields of the template", lines=3, elem_id="template-fields")
            fill = gr.Button("Fill in the prompt", size="sm", elem_id="template-fill")
        with gr.Group(visible=False, elem_id="preset-group") as manage_group:
            managed = _build_managing()
        return cls(
            preset=preset,
            manage=manage,
            template_group=template_group,
            template=template,
            fields=fields,
            fill=fill,
            manage_group=manage_group,
            **managed,
            download=gr.Textbox(visible=False),
            managing=gr.Checkbox(False, visible=False),
        )

    def outputs(self) -> list[Block]:
        """What choosing a preset may change here."""
        return [self.template_group, self.template, self.fields]


def choices_of(presets: tuple[Preset, ...]) -> list[tuple[str, str]]:
    """Names with their tasks, as the dropdown lists them."""
    return [(f"{p.name}  ({p.task})" if p.task else p.name, p.name) for p in presets]


def _build_managing() -> dict[str, Any]:
    name = gr.Textbox(label="Save the settings as", max_lines=1, elem_id="preset-name")
    groups = gr.CheckboxGroup(
        list(GROUPS), value=KEPT, label="Settings that the preset keeps", elem_id="preset-keeps"
    )
    small: dict[str, Any] = {"size": "sm", "min_width": 60}
    with gr.Row():
        save = gr.Button("Save", elem_id="preset-save", **small)
        delete = gr.Button("Delete", elem_id="preset-delete", **small)
    with gr.Row():
        export = gr.Button("Export my presets", elem_id="preset-export", **small)
        bring_in = gr.UploadButton(
            "Import YAML", file_types=[".yaml", ".yml"], elem_id="preset-import", **small
        )
    return {
        "name": name,
        "groups": groups,
        "save": save,
        "delete": delete,
        "export": export,
        "bring_in": bring_in,
    }
