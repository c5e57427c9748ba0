"""The controls beside the canvas: up to three units, each with its annotator or a ready map."""

from dataclasses import dataclass, fields
from typing import Any, Self

import gradio as gr

from genimg_ui.core.annotators import ANNOTATORS, Annotator
from genimg_ui.core.control import MAX_UNITS, annotators_of
from genimg_ui.core.request import ControlUnit
from genimg_ui.registry import ModelSpec
from genimg_ui.ui import texts
from genimg_ui.ui.choice import Choice
from genimg_ui.ui.panels import Panel, Updates, Values

NO_CONTROL = "none"
USUAL = "usual"  # the first annotator of a kind, which a unit names by ""
MOST_KNOBS = max(len(item.knobs) for item in ANNOTATORS.values())
_EVERY_NAME = [USUAL, *ANNOTATORS]
_READY_SUFFIXES = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitPanel:
    """One control. A knob that is left empty has its default; `map` is a ready map's sha256."""

    kind: Choice
    scale: gr.Slider
    start: gr.Slider
    end: gr.Slider
    annotator: Choice
    knobs: tuple[gr.Number, ...]
    map: gr.Textbox
    upload: gr.UploadButton
    drop: gr.Button
    preview: gr.Button
    remove: gr.Button

    @classmethod
    def build(cls, place: int) -> Self:
        """Lay out the unit that comes as number `place` from 0."""
        default, name = ControlUnit(kind=NO_CONTROL), f"control-{place + 1}"
        kind = Choice(
            [NO_CONTROL],
            value=NO_CONTROL,
            label=texts.CONTROL_LABELS[place],
            info=texts.CONTROL,
            elem_id=name,
        )
        scale = gr.Slider(
            0, 2, default.controlnet_conditioning_scale, step=0.05, label="Control weight"
        )
        with gr.Row():
            start = gr.Slider(0, 1, default.control_guidance_start, step=0.05, label="From")
            end = gr.Slider(0, 1, default.control_guidance_end, step=0.05, label="Until")
        annotator = Choice(
            _EVERY_NAME,
            value=USUAL,
            label="Annotator",
            info=texts.ANNOTATOR,
            elem_id=f"{name}-annotator",
        )
        with gr.Row():
            knobs = _build_knobs(name)
        map_ = gr.Textbox(
            "", label="Ready map", visible="hidden", interactive=False, elem_id=f"{name}-map"
        )
        with gr.Row():
            buttons = _build_buttons(name)
        return cls(
            kind=kind,
            scale=scale,
            start=start,
            end=end,
            annotator=annotator,
            knobs=knobs,
            map=map_,
            **buttons,
        )

    def widgets(self) -> list[Any]:
        """Those whose value belongs to the request."""
        own = [self.kind, self.scale, self.start, self.end, self.annotator]
        return [*own, *self.knobs, self.map]

    def buttons(self) -> list[Any]:
        """Those that only some units have a use for."""
        return [self.preview, self.upload, self.drop, self.remove]

    def read(self, values: Values) -> ControlUnit | None:
        """The unit that the widgets show; None where its kind is `none`."""
        kind = values[self.kind] or NO_CONTROL
        if kind == NO_CONTROL:
            return None
        name, ready = values[self.annotator] or USUAL, values[self.map] or None
        name = "" if name == USUAL else name
        item = None if ready else _annotator(kind, name)
        shown = zip(item.knobs if item else (), self.knobs, strict=False)
        return ControlUnit(
            kind=kind,
            controlnet_conditioning_scale=float(values[self.scale]),
            control_guidance_start=float(values[self.start]),
            control_guidance_end=float(values[self.end]),
            annotator="" if ready else name,
            parameters={
                knob.name: float(values[number])
                for knob, number in shown
                if values[number] is not None
            },
            map=ready,
        )

    def write(self, unit: ControlUnit | None) -> Updates:
        """Show `unit`; None empties: choosing a kind then begins anew."""
        if unit is None:
            return {self.kind: NO_CONTROL, self.map: ""}
        item = None if unit.map else _annotator(unit.kind, unit.annotator)
        names = [knob.name for knob in item.knobs] if item else []
        names += [""] * (MOST_KNOBS - len(names))
        return {
            self.kind: unit.kind,
            self.scale: unit.controlnet_conditioning_scale,
            self.start: unit.control_guidance_start,
            self.end: unit.control_guidance_end,
            self.annotator: unit.annotator or USUAL,
            self.map: unit.map or "",
            **{
                number: unit.parameters.get(name)
                for number, name in zip(self.knobs, names, strict=True)
            },
        }

    def dress(self, unit: ControlUnit | None) -> Updates:
        """Labels, choices, buttons and what can be seen, as they belong to `unit`."""
        ready = unit is not None and unit.map is not None
        found = () if unit is None else annotators_of(unit.kind)
        item = None if unit is None or ready else _annotator(unit.kind, unit.annotator)
        first = [(f"{found[0].title} ({USUAL})", USUAL)] if found else [(USUAL, USUAL)]
        updates: Updates = {
            self.annotator: gr.update(
                choices=[*first, *((each.title, each.name) for each in found)],
                interactive=bool(found) and not ready,
            ),
            self.map: gr.update(visible=True if ready else "hidden"),
            **{button: gr.update(interactive=unit is not None) for button in self.buttons()},
            self.drop: gr.update(interactive=ready),
        }
        for index, number in enumerate(self.knobs):
            knob = item.knobs[index] if item and index < len(item.knobs) else None
            if knob is None:
                updates[number] = gr.update(visible="hidden")
                continue
            updates[number] = gr.update(
                visible=True,
                label=knob.label,
                placeholder=f"{knob.default:g}",
                info=texts.KNOB.format(low=knob.low, high=knob.high, default=knob.default),
            )
        return updates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ControlPanel(Panel):
    """All units. Their order is that of the request; one of kind `none` is none."""

    first: UnitPanel
    second: UnitPanel
    third: UnitPanel
    hide: gr.Button
    timer: gr.Timer
    look: gr.Textbox  # never seen: the id of the map that is waited for; "" for none

    @classmethod
    def build(cls) -> Self:
        first = UnitPanel.build(0)
        with gr.Accordion("Second control", open=False, elem_id="control-more"):
            second = UnitPanel.build(1)
        with gr.Accordion("Third control", open=False, elem_id="control-most"):
            third = UnitPanel.build(2)
        hide = gr.Button("Hide the map", size="sm", elem_id="control-hide", interactive=False)
        return cls(
            first=first,
            second=second,
            third=third,
            hide=hide,
            timer=gr.Timer(0.5, active=False),
            look=gr.Textbox(visible=False),  # a gr.State would keep a request open for each page
        )

    @property
    def units(self) -> tuple[UnitPanel, ...]:
        found = (getattr(self, field.name) for field in fields(self))
        return tuple(item for item in found if isinstance(item, UnitPanel))

    def widgets(self) -> list[Any]:
        return [widget for unit in self.units for widget in unit.widgets()]

    def buttons(self) -> list[Any]:
        """Those that `dress` enables or disables."""
        return [button for unit in self.units for button in unit.buttons()]

    def read(self, values: Values) -> tuple[ControlUnit, ...]:
        found = (unit.read(values) for unit in self.units)
        return tuple(unit for unit in found if unit is not None)

    def write(self, units: tuple[ControlUnit, ...]) -> Updates:
        """Show `units`, at most as many as there are panels."""
        return self._each(units, UnitPanel.write)

    def dress(self, units: tuple[ControlUnit, ...]) -> Updates:
        """What belongs to the units beside their values."""
        return self._each(units, UnitPanel.dress)

    def allow(self, spec: ModelSpec) -> Updates:
        kinds = [kind for kind, _ in spec.controls]
        info = texts.CONTROL if kinds else texts.CONTROL_NEVER
        updates: Updates = {}
        for unit in self.units:
            updates[unit.kind] = gr.update(
                choices=[NO_CONTROL, *kinds], interactive=bool(kinds), info=info
            )
            for widget in (unit.scale, unit.start, unit.end):
                updates[widget] = gr.update(interactive=bool(kinds))
        return updates

    def untaken(self, values: Values, spec: ModelSpec) -> tuple[Updates, list[str]]:
        """Empty the units whose kind `spec` does not take; those kinds."""
        taken = {NO_CONTROL, *(kind for kind, _ in spec.controls)}
        updates: Updates = {}
        lost: list[str] = []
        for unit in self.units:
            kind = values[unit.kind] or NO_CONTROL
            if kind in taken:
                continue
            lost.append(kind)
            updates |= unit.dress(None)
            for widget, value in unit.write(None).items():
                updates[widget] = {**updates.get(widget, gr.update()), "value": value}
        return updates, lost

    def _each(self, units: tuple[ControlUnit, ...], say: Any) -> Updates:
        updates: Updates = {}
        padded = (*units, *([None] * MAX_UNITS))
        for panel, unit in zip(self.units, padded, strict=False):
            updates |= say(panel, unit)
        return updates


def _build_knobs(name: str) -> tuple[gr.Number, ...]:
    return tuple(
        gr.Number(
            None,
            label=f"Parameter {index + 1}",
            visible="hidden",
            min_width=90,
            elem_id=f"{name}-knob-{index + 1}",
        )
        for index in range(MOST_KNOBS)
    )


def _build_buttons(name: str) -> dict[str, Any]:
    def button(text: str, end: str) -> gr.Button:
        ident = f"{name}-{end}"
        return gr.Button(text, size="sm", min_width=80, elem_id=ident, interactive=False)

    return {
        "preview": button("Preview map", "preview"),
        "upload": gr.UploadButton(
            "Use a ready map",
            file_types=_READY_SUFFIXES,
            size="sm",
            min_width=80,
            elem_id=f"{name}-upload",
            interactive=False,
        ),
        "drop": button("Drop the ready map", "drop"),
        "remove": button("Remove", "remove"),
    }


def _annotator(kind: str, name: str) -> Annotator | None:
    """The annotator that is meant; None where the kind has none of that name."""
    found = annotators_of(kind)
    if not name:
        return found[0] if found else None
    return next((item for item in found if item.name == name), None)
