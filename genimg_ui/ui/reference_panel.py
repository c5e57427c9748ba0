"""The reference pictures beside the canvas: up to three, each with its weight and its steps."""

from dataclasses import dataclass, fields
from typing import Any, Self

import gradio as gr

from genimg_ui.core.request import ReferenceUnit
from genimg_ui.registry import ModelSpec
from genimg_ui.ui import texts
from genimg_ui.ui.panels import Panel, Updates, Values

_SUFFIXES = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceUnitPanel:
    """One reference: `picture` is its sha256, "" for none; `thumb` shows it."""

    picture: gr.Textbox
    scale: gr.Slider
    start: gr.Slider
    end: gr.Slider
    thumb: gr.HTML
    upload: gr.UploadButton
    remove: gr.Button

    @classmethod
    def build(cls, place: int) -> Self:
        """Lay out the reference that comes as number `place` from 0."""
        default, name = ReferenceUnit(picture=""), f"reference-{place + 1}"
        picture = gr.Textbox(
            "", label="Picture", visible="hidden", interactive=False, elem_id=f"{name}-picture"
        )
        thumb = gr.HTML("", elem_id=f"{name}-thumb")
        with gr.Row():
            upload = gr.UploadButton(
                texts.REFERENCE_LABELS[place],
                file_types=_SUFFIXES,
                size="sm",
                min_width=80,
                elem_id=f"{name}-upload",
            )
            remove = gr.Button("Remove", size="sm", min_width=80, elem_id=f"{name}-remove")
        scale = gr.Slider(
            0,
            2,
            default.scale,
            step=0.05,
            label="Reference weight",
            info=texts.REFERENCE,
            elem_id=f"{name}-scale",
        )
        with gr.Row():
            start = gr.Slider(0, 1, default.start, step=0.05, label="From")
            end = gr.Slider(0, 1, default.end, step=0.05, label="Until")
        return cls(
            picture=picture,
            scale=scale,
            start=start,
            end=end,
            thumb=thumb,
            upload=upload,
            remove=remove,
        )

    def widgets(self) -> list[Any]:
        """Those whose value belongs to the request."""
        return [self.picture, self.scale, self.start, self.end]

    def read(self, values: Values) -> ReferenceUnit | None:
        """The reference that the widgets show; None without a picture."""
        if not values[self.picture]:
            return None
        return ReferenceUnit(
            picture=values[self.picture],
            scale=float(values[self.scale]),
            start=float(values[self.start]),
            end=float(values[self.end]),
        )

    def write(self, unit: ReferenceUnit | None) -> Updates:
        """Show `unit`; None empties."""
        if unit is None:
            return {self.picture: ""}
        return {
            self.picture: unit.picture,
            self.scale: unit.scale,
            self.start: unit.start,
            self.end: unit.end,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferencePanel(Panel):
    """All references, in the order of the request."""

    first: ReferenceUnitPanel
    second: ReferenceUnitPanel
    third: ReferenceUnitPanel

    @classmethod
    def build(cls) -> Self:
        first = ReferenceUnitPanel.build(0)
        with gr.Accordion("More references", open=False, elem_id="reference-more"):
            second, third = (ReferenceUnitPanel.build(place) for place in (1, 2))
        return cls(first=first, second=second, third=third)

    @property
    def units(self) -> tuple[ReferenceUnitPanel, ...]:
        found = (getattr(self, field.name) for field in fields(self))
        return tuple(item for item in found if isinstance(item, ReferenceUnitPanel))

    def widgets(self) -> list[Any]:
        return [widget for unit in self.units for widget in unit.widgets()]

    def read(self, values: Values) -> tuple[ReferenceUnit, ...]:
        found = (unit.read(values) for unit in self.units)
        return tuple(unit for unit in found if unit is not None)

    def write(self, units: tuple[ReferenceUnit, ...]) -> Updates:
        """Show `units`, at most as many as there are panels."""
        updates: Updates = {}
        for panel, unit in zip(self.units, (*units, *[None] * len(self.units)), strict=False):
            updates |= panel.write(unit)
        return updates

    def defaults(self, spec: ModelSpec) -> Updates:
        """None where the model could not read them."""
        return {} if spec.references else self.write(())

    def allow(self, spec: ModelSpec) -> Updates:
        usable = bool(spec.references)
        info = texts.REFERENCE if usable else texts.REFERENCE_NEVER
        updates: Updates = {unit.picture: gr.update() for unit in self.units}
        for unit in self.units:
            updates[unit.scale] = gr.update(interactive=usable, info=info)
            updates[unit.start] = gr.update(interactive=usable)
            updates[unit.end] = gr.update(interactive=usable)
        return updates
