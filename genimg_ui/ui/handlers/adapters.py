"""The events of LoRAs, embeddings and references: words into the prompt, pictures into the store.

A LoRA that was distilled for few steps brings its settings with it when it is chosen.
"""

from functools import partial
from html import escape
from pathlib import Path

import gradio as gr

from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.history.ownership import check_owned
from genimg_ui.registry.adapters import LoraSpec
from genimg_ui.ui import texts, views
from genimg_ui.ui.lora_panel import LoraUnitPanel
from genimg_ui.ui.page import QUIET, Handlers, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.ui.reference_panel import ReferenceUnitPanel


class AdapterHandlers(Handlers):
    """Listeners of the LoRA and reference panels."""

    def connect(self) -> None:
        """Give every LoRA, the embeddings and every reference their listeners."""
        page, settings = self.page, self.page.settings
        for lora in settings.lora.units:
            self._connect_lora(lora)
        settings.lora.insert.click(
            self.on_token,
            inputs={settings.sampling.prompt, settings.lora.token},
            outputs=[settings.sampling.prompt, page.status],
            **QUIET,
        )
        for reference in settings.reference.units:
            self._connect_reference(reference)

    def _connect_lora(self, unit: LoraUnitPanel) -> None:
        page, sampling = self.page, self.page.settings.sampling
        knobs = [sampling.scheduler, sampling.num_inference_steps, sampling.guidance_scale]
        unit.name.input(
            partial(self.on_lora, unit),
            inputs={page.settings.model, unit.name},
            outputs=[unit.scale, *knobs, page.status],
            **QUIET,
        )
        unit.name.change(
            partial(self.on_named, unit),
            inputs={page.settings.model, unit.name},
            outputs=[unit.trigger, unit.insert],
            **QUIET,
        )
        unit.insert.click(
            partial(self.on_words, unit),
            inputs={page.settings.model, unit.name, sampling.prompt},
            outputs=[sampling.prompt, page.status],
            **QUIET,
        )

    def _connect_reference(self, unit: ReferenceUnitPanel) -> None:
        page = self.page
        unit.upload.upload(
            partial(self.on_uploaded, unit),
            inputs={page.key, page.settings.model, unit.upload},
            outputs=[unit.picture, page.status],
            concurrency_limit=2,
            api_visibility="private",
            show_progress="hidden",
        )
        unit.remove.click(
            partial(self.on_removed, unit),
            outputs=[unit.picture, page.status],
            **QUIET,
        )
        unit.picture.change(
            partial(self.on_picture, unit),
            inputs={page.key, unit.picture},
            outputs=[unit.thumb],
            **QUIET,
        )

    def on_lora(self, unit: LoraUnitPanel, values: Values) -> Updates:
        """Set the weight that the LoRA's entry advises, and the settings that it was made for."""
        page, sampling = self.page, self.page.settings.sampling
        lora = self._lora(unit, values)
        updates: Updates = {page.status: gr.skip()}
        if lora is None:
            return updates
        updates[unit.scale] = lora.scale
        if lora.few_steps is None:
            return updates
        few = lora.few_steps
        told_ = texts.FEW_STEPS.format(
            lora=lora.name,
            scheduler=few.scheduler,
            steps=few.num_inference_steps,
            guidance=few.guidance_scale,
        )
        return updates | {
            sampling.scheduler: few.scheduler,
            sampling.num_inference_steps: few.num_inference_steps,
            sampling.guidance_scale: few.guidance_scale,
            page.status: views.message(told_),
        }

    def on_named(self, unit: LoraUnitPanel, values: Values) -> Updates:
        """Tell what is known of the LoRA, whoever has chosen it."""
        return unit.told(self._lora(unit, values))

    def _lora(self, unit: LoraUnitPanel, values: Values) -> LoraSpec | None:
        spec = self.workspace.registry.get(values[self.page.settings.model])
        return next((lora for lora in spec.loras if lora.name == values[unit.name]), None)

    def on_words(self, unit: LoraUnitPanel, values: Values) -> Updates:
        """Put the LoRA's trigger words into the prompt, unless they stand there."""
        page, prompt = self.page, self.page.settings.sampling.prompt
        lora = self._lora(unit, values)
        words = "" if lora is None else lora.trigger
        return {page.status: gr.skip(), prompt: with_words(values[prompt] or "", words)}

    def on_token(self, values: Values) -> Updates:
        """Put the embedding's token into the prompt, unless it stands there."""
        prompt, token = self.page.settings.sampling.prompt, self.page.settings.lora.token
        words = with_words(values[prompt] or "", values[token] or "")
        return {self.page.status: gr.skip(), prompt: words}

    def on_uploaded(self, unit: ReferenceUnitPanel, values: Values) -> Updates:
        """Keep a reference picture, or say why it cannot be one."""
        return self._uploaded(values, unit)

    @told
    def _uploaded(self, values: Values, unit: ReferenceUnitPanel) -> Updates:
        page, file = self.page, values[unit.upload]
        if not file:
            return page.nothing()
        spec = self.workspace.registry.get(values[page.settings.model])
        if not spec.references:
            raise RefusedInput(texts.REFERENCE_NEVER)
        session = page.session(values)
        self.workspace.make_sure_of_room(session, Path(file).stat().st_size)
        kept = self.workspace.pictures.keep_map(session, Path(file))
        return {
            unit.picture: kept.sha256,
            page.status: views.message(texts.REFERENCE_KEPT),
        }

    def on_removed(self, unit: ReferenceUnitPanel) -> Updates:
        """Make it none again."""
        return {unit.picture: "", self.page.status: gr.skip()}

    def on_picture(self, unit: ReferenceUnitPanel, values: Values) -> Updates:
        """Show the session's own reference, whoever has set it; nothing where there is none.

        The digest comes from the browser, which may name any.
        """
        sha256 = values[unit.picture] or ""
        if not sha256:
            return {unit.thumb: ""}
        try:
            check_owned(self.workspace.store.database, self.page.session(values), [sha256])
            address = self.page.link(self.workspace.picture(sha256).display)
        except GenimgError:
            return {unit.thumb: ""}
        return {
            unit.thumb: f'<img class="reference-thumb" src="{escape(address)}" alt="Reference">'
        }


def with_words(prompt: str, words: str) -> str:
    """The prompt with `words` at its end; as it is where it holds them."""
    if not words or words in prompt:
        return prompt
    return f"{prompt.rstrip().rstrip(',')}, {words}" if prompt.strip() else words
