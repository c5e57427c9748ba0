"""Presets: choose, fill in, save, delete, export, import."""

import json
from pathlib import Path
from typing import BinaryIO

import gradio as gr

from genimg_ui.core.preflight import Finding
from genimg_ui.core.template import parse_table, parse_template, write_table
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.history.exports import ExportFolder
from genimg_ui.preset_shelf import PresetShelf
from genimg_ui.presets import Preset, apply_preset, preset_of, write_presets
from genimg_ui.ui import views
from genimg_ui.ui.page import ALWAYS_LAST, QUIET, Handlers, Page, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.ui.presets_panel import choices_of
from genimg_ui.workspace import Workspace

FETCH = """(value) => {
  if (!value) return [];
  const { url, filename } = JSON.parse(value);
  const link = document.createElement('a');
  link.href = url;
  link.download = filename;
  link.click();
  return [];
}"""


class PresetHandlers(Handlers):
    """Listeners of the preset row and of the groups below it."""

    def __init__(self, page: Page, workspace: Workspace, shelf: PresetShelf) -> None:
        super().__init__(page, workspace)
        self.shelf = shelf
        self._exports = ExportFolder(workspace.store.data_dir)

    def connect(self, demo: gr.Blocks) -> None:
        """Give every widget of the panel its listener."""
        page, panel = self.page, self.page.presets
        shown = [page.status, *panel.outputs(), page.buttons.variants.fields]
        panel.preset.select(
            self.on_chosen,
            inputs=page.inputs() | {panel.preset},
            outputs=[*shown, *page.settings.shown()],
            **ALWAYS_LAST,
        )
        panel.manage.click(
            lambda shown: [not shown, gr.update(visible=not shown)],
            inputs=[panel.managing],
            outputs=[panel.managing, panel.manage_group],
            **ALWAYS_LAST,
        )
        panel.fill.click(
            self.on_filled,
            inputs={panel.template, panel.fields},
            outputs=[page.status, page.settings.sampling.prompt, page.buttons.variants.fields],
            **ALWAYS_LAST,
        )
        listed = {"outputs": [page.status, panel.preset], **QUIET}
        panel.save.click(
            self.on_saved,
            inputs=page.inputs() | {panel.name, panel.groups},
            trigger_mode="multiple",
            **listed,
        )
        panel.delete.click(self.on_deleted, inputs={page.key, panel.preset}, **listed)
        brought = {"inputs": {page.key, panel.bring_in}, "trigger_mode": "multiple", **listed}
        panel.bring_in.upload(self.on_brought, **brought)
        panel.export.click(
            self.on_exported, inputs={page.key}, outputs=[page.status, panel.download], **QUIET
        ).then(None, inputs=[panel.download], js=FETCH, **QUIET)
        demo.load(self.on_load, inputs={page.key}, outputs=[page.status, panel.preset], **QUIET)

    def on_load(self, values: Values, request: gr.Request) -> Updates:
        """List the session's own presets; say where their file is damaged."""
        del request
        if not values[self.page.key]:
            return self.page.nothing()
        try:
            return self._listed(self.page.session(values))
        except GenimgError as problem:
            return {self.page.status: views.message(str(problem), kind="warning")}

    @told
    def on_chosen(self, values: Values) -> Updates:
        """Set what the preset names."""
        page, panel = self.page, self.page.presets
        preset = self.shelf.get(page.session(values), str(values[panel.preset]))
        done = apply_preset(page.request(values), preset, self.workspace.registry)
        spec = self.workspace.registry.get(done.request.model)
        updates = page.settings.show(done.request, spec)
        table = write_table(_table(preset))
        updates |= {
            panel.template_group: gr.update(visible=bool(preset.template)),
            panel.template: preset.template,
            panel.fields: table,
            page.status: views.message(
                f"{preset.name}: {preset.about or 'set.'}",
                kind="warning" if done.notes else "",
                findings=[Finding(sentence=note) for note in done.notes],
            ),
        }
        if preset.template:
            prompt = page.settings.sampling.prompt
            updates[prompt] = {**updates[prompt], "value": _first(preset.template, table)}
            updates[page.buttons.variants.fields] = table
        return updates

    @told
    def on_filled(self, values: Values) -> Updates:
        """Put the first prompt that the template means into the prompt's box."""
        page, panel = self.page, self.page.presets
        template, table = values[panel.template] or "", values[panel.fields] or ""
        prompts = parse_template(template).expand(parse_table(table))
        more = len(prompts) - 1
        rest = f" A run over Prompt makes the other {more}, too." if more else ""
        return {
            page.settings.sampling.prompt: prompts[0],
            page.buttons.variants.fields: table,
            page.status: views.message(f"The prompt is filled in.{rest}"),
        }

    @told
    def on_saved(self, values: Values) -> Updates:
        """Keep the settings under a name."""
        page, panel = self.page, self.page.presets
        session = page.session(values)
        saved = preset_of(
            values[panel.name] or "", page.request(values), values[panel.groups] or []
        )
        self.shelf.save(session, [saved])
        updates = self._listed(session, saved.name)
        return updates | {page.status: views.message(f"The preset {saved.name} is kept.")}

    @told
    def on_deleted(self, values: Values) -> Updates:
        """Remove the chosen preset, where it is the session's own."""
        page, name = self.page, values[self.page.presets.preset]
        if not name:
            raise RefusedInput("Choose the preset to delete.")
        session = page.session(values)
        self.shelf.delete(session, name)
        return self._listed(session) | {
            page.status: views.message(f"The preset {name} is deleted.")
        }

    @told
    def on_brought(self, values: Values) -> Updates:
        """Keep the presets of a YAML file."""
        page = self.page
        session, path = page.session(values), values[page.presets.bring_in]
        brought = self.shelf.bring_in(session, Path(str(path)))
        known = {spec.id for spec in self.workspace.registry.all()}
        named = {preset.settings.get("model") for preset in brought} - {None} - known
        lack = f" Not here: the model {', '.join(sorted(map(str, named)))}." if named else ""
        count = "1 preset" if len(brought) == 1 else f"{len(brought)} presets"
        names = ", ".join(preset.name for preset in brought[:5])
        text = f"{count} brought in: {names}.{lack}"
        kind = "warning" if lack else ""
        return self._listed(session) | {page.status: views.message(text, kind=kind)}

    @told
    def on_exported(self, values: Values) -> Updates:
        """A YAML file with the session's own presets."""
        page = self.page
        session = page.session(values)
        own = self.shelf.own(session)
        if not own:
            raise RefusedInput("There is no preset of your own yet.", remedy="Save one first.")
        text = write_presets(own).encode()
        owner = f"presets {session}"
        path = self._exports.write(".yaml", lambda file: _put(file, text), owner=owner)
        fetch = {"url": page.link(path), "filename": "presets.yaml"}
        return {
            page.presets.download: json.dumps(fetch),
            page.status: views.message(f"{len(own)} presets in presets.yaml."),
        }

    def _listed(self, session: str, chosen: str | None = None) -> Updates:
        choices = choices_of(self.shelf.all(session))
        return {self.page.presets.preset: gr.update(choices=choices, value=chosen)}


def _table(preset: Preset) -> dict[str, tuple[str, ...]]:
    """Every field of the template, in its order; what the preset does not fill is left open."""
    used = parse_template(preset.template).fields
    return {name: preset.fields.get(name, ("",)) for name in used}


def _first(template: str, table: str) -> str:
    try:
        return parse_template(template).expand(parse_table(table))[0]
    except RefusedInput:  # a field that the person is to fill
        return template


def _put(file: BinaryIO, content: bytes) -> None:
    file.write(content)
