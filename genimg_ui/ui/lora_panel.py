"""The LoRAs beside the canvas: up to four, each with its weight and its trigger words."""

from dataclasses import dataclass, fields
from typing import Any, Self

import gradio as gr

from genimg_ui.core.adapters import LORA_RANGE
from genimg_ui.core.request import LoraUnit
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapters import LoraSpec
from genimg_ui.ui import texts
from genimg_ui.ui.choice import Choice
from genimg_ui.ui.panels import Panel, Updates, Values

NO_LORA = "none"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoraUnitPanel:
    """One LoRA: `trigger` only tells its words, `insert` puts them into the prompt."""

    name: Choice
    scale: gr.Slider
    trigger: gr.Markdown
    insert: gr.Button

    @classmethod
    def build(cls, place: int) -> Self:
        """Lay out the LoRA that comes as number `place` from 0."""
        name = f"lora-{place + 1}"
        low, high = LORA_RANGE
        with gr.Row():
            chosen = Choice(
                [NO_LORA],
                value=NO_LORA,
                label=texts.LORA_LABELS[place],
                elem_id=name,
                min_width=130,
            )
            scale = gr.Slider(
                low,
                high,
                LoraUnit(name="").scale,
                step=0.05,
                label="Weight",
                elem_id=f"{name}-scale",
                min_width=130,
            )
        trigger = gr.Markdown("", visible="hidden", elem_id=f"{name}-trigger")
        insert = gr.Button(
            "Insert its words into the prompt",
            visible="hidden",
            size="sm",
            elem_id=f"{name}-insert",
        )
        return cls(name=chosen, scale=scale, trigger=trigger, insert=insert)

    def read(self, values: Values) -> LoraUnit | None:
        """The LoRA that the widgets show; None for `none`."""
        name = values[self.name] or NO_LORA
        return None if name == NO_LORA else LoraUnit(name=name, scale=float(values[self.scale]))

    def write(self, unit: LoraUnit | None) -> Updates:
        """Show `unit`; None empties."""
        if unit is None:
            return {self.name: NO_LORA}
        return {self.name: unit.name, self.scale: unit.scale}

    def told(self, lora: LoraSpec | None) -> Updates:
        """What the model's entry says of the LoRA, and the button for its words."""
        said = [] if lora is None else [lora.note, lora.licence]
        if lora is not None and lora.trigger:
            said.append(f"{texts.TRIGGER} {lora.trigger}")
        text = " · ".join(part for part in said if part)
        has_words = lora is not None and bool(lora.trigger)
        return {
            self.trigger: gr.update(value=text, visible=True if text else "hidden"),
            self.insert: gr.update(visible=True if has_words else "hidden"),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoraPanel(Panel):
    """All LoRAs, and the model's textual inversions, which need only their token."""

    first: LoraUnitPanel
    second: LoraUnitPanel
    third: LoraUnitPanel
    fourth: LoraUnitPanel
    token: Choice
    insert: gr.Button

    @classmethod
    def build(cls) -> Self:
        first = LoraUnitPanel.build(0)
        with gr.Accordion("More LoRAs", open=False, elem_id="lora-more"):
            second, third, fourth = (LoraUnitPanel.build(place) for place in (1, 2, 3))
        token = Choice([], label="Embedding", info=texts.EMBEDDING, elem_id="embedding")
        insert = gr.Button("Insert it into the prompt", size="sm", elem_id="embedding-insert")
        return cls(
            first=first, second=second, third=third, fourth=fourth, token=token, insert=insert
        )

    @property
    def units(self) -> tuple[LoraUnitPanel, ...]:
        found = (getattr(self, field.name) for field in fields(self))
        return tuple(item for item in found if isinstance(item, LoraUnitPanel))

    def widgets(self) -> list[Any]:
        own = [widget for unit in self.units for widget in (unit.name, unit.scale)]
        return [*own, self.token]

    def read(self, values: Values) -> tuple[LoraUnit, ...]:
        found = (unit.read(values) for unit in self.units)
        return tuple(unit for unit in found if unit is not None)

    def write(self, units: tuple[LoraUnit, ...]) -> Updates:
        """Show `units`, at most as many as there are panels."""
        updates: Updates = {}
        for panel, unit in zip(self.units, (*units, *[None] * len(self.units)), strict=False):
            updates |= panel.write(unit)
        return updates

    def allow(self, spec: ModelSpec) -> Updates:
        names = [lora.name for lora in spec.loras]
        tokens = [embedding.token for embedding in spec.embeddings]
        info = texts.LORA if names else texts.LORA_NEVER
        known = texts.EMBEDDING if tokens else texts.EMBEDDING_NEVER
        first = tokens[0] if tokens else None
        updates: Updates = {
            self.token: gr.update(
                choices=tokens, value=first, interactive=bool(tokens), info=known
            ),
        }
        for unit in self.units:
            updates[unit.name] = gr.update(choices=[NO_LORA, *names], info=info)
            updates[unit.scale] = gr.update(interactive=bool(names))
        return updates

    def defaults(self) -> Updates:
        """None: another model has another list."""
        return self.write(())
