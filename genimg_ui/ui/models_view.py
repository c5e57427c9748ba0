"""The Models tab's list as plain JSON values."""

import time
from typing import Any

from genimg_ui.errors import RefusedInput
from genimg_ui.shelf.fetches import Download, State
from genimg_ui.shelf.shelf import PUBLIC, ModelRow, ModelShelf, PartRow
from genimg_ui.ui import texts
from genimg_ui.weights.sizes import size_text, time_text

Json = dict[str, Any]
ROLES = {"model": "Weights", "lora": "LoRA"}
ENDINGS = {
    State.STOPPED: "The download was stopped.",
    State.INTERRUPTED: "The download was interrupted.",
}


def models_view(shelf: ModelShelf, told: Json | None = None) -> Json:
    """Everything that the list shows; paths are left out on a public page.

    Models that are here come first. `told` is what came of the last thing that was asked: its
    kind and text.
    """
    return {
        "told": {"at": time.monotonic(), **told} if told else {},
        "machine": shelf.headline(),
        "problem": shelf.registry.problem,
        "closed": PUBLIC if shelf.public else "",
        "models": [_model(shelf, row) for row in sorted(shelf.rows(), key=_absent)],
    }


def _absent(row: ModelRow) -> bool:
    """Whether its weights are not here; what else it may use counts for nothing."""
    return any(part.lack for part in row.parts[:1])


def _model(shelf: ModelShelf, row: ModelRow) -> Json:
    spec = row.spec
    badges = ["default"] * row.default + ["added by you"] * row.added
    badges += ["non-commercial"] * spec.non_commercial
    badges += ["pieces being downloaded"] * any(_is_coming(part) for part in row.parts[1:])
    asks = ""
    if not row.accepted:
        asks = "For non-commercial use only. Its licence must be accepted once before it is used."
    return {
        "id": spec.id,
        "title": spec.title,
        "family": spec.family or spec.engine,
        "tasks": [[str(task), texts.TASKS[task]] for task in spec.tasks],
        "here": not _absent(row),
        "badges": badges,
        "fit": {"level": str(row.fit.level), "text": row.fit.text},
        "facts": " · ".join(_facts(row)),
        "note": spec.note,
        "asks": asks,
        "parts": [_part(shelf, row, part) for part in row.parts[:1]],
        "more": [_part(shelf, row, part) for part in row.parts[1:]],
        "summary": _summary(row.parts[1:]),
    }


def _summary(parts: tuple[PartRow, ...]) -> str:
    """What stands for the pieces beside a model's weights while they are folded."""
    here = sum(not part.lack for part in parts)
    coming = sum(_is_coming(part) for part in parts)
    busy = f", {coming} being downloaded" if coming else ""
    return f"Controls, LoRAs and other pieces: {here} of {len(parts)} here{busy}"


def _is_coming(part: PartRow) -> bool:
    return part.download is not None and part.download.state.active


def _facts(row: ModelRow) -> list[str]:
    spec = row.spec
    facts = [f"Licence: {spec.licence}", f"family: {spec.family or spec.engine}"]
    if spec.memory_gib:
        facts.append(f"memory: about {spec.memory_gib:g} GiB")
    facts.append(f"tasks: {', '.join(texts.TASKS[task] for task in spec.tasks)}")
    kinds = ", ".join(kind for kind, _ in spec.controls)
    return [*facts, f"controls: {kinds}"] if kinds else facts


def _part(shelf: ModelShelf, row: ModelRow, one: PartRow) -> Json:
    part, download = one.part, one.download
    active = download is not None and download.state.active
    open_ = not shelf.public and row.accepted
    can_fetch = open_ and one.fetchable and not active
    begun = download is not None and download.done > 0
    return {
        "model": row.spec.id,
        "title": row.spec.title,
        "key": part.key,
        "name": f"{ROLES.get(part.role, part.role.capitalize())} {part.name}".strip(),
        "state": _state(shelf, row, one),
        "fraction": _fraction(download) if active else None,
        "error": _error(one),
        "fetch": ("Resume" if begun else "Fetch") if can_fetch else "",
        "stop": bool(active and not shelf.public),
        "removal": "" if active else _removal(shelf, row, one),
    }


def _state(shelf: ModelShelf, row: ModelRow, one: PartRow) -> str:
    download = one.download
    if download is not None and download.state.active:
        return progress(download)
    if not one.lack:
        size = f"Here, {size_text(one.bytes)}"
        return size if shelf.public else f"{size}, in {one.place}"
    ending = "" if download is None else ENDINGS.get(download.state, "")
    if ending and download is not None and download.total:
        ending += f" {size_text(download.done)} of {size_text(download.total)} are kept."
    if ending:
        return ending
    if one.place is not None:
        return "Not whole." if shelf.public else f"Not whole: {one.lack}."
    download_gib = row.spec.download_gib if not one.part.key else 0
    size = f", about {download_gib:g} GB" if download_gib else ""
    return f"Not here: {one.part.source if one.part.on_hub or not shelf.public else ''}{size}"


def progress(download: Download) -> str:
    """How far a download is: bytes, speed, what is left."""
    if download.state is State.QUEUED:
        return "Waiting for the download before."
    if not download.total:
        return (
            f"{download.text[:1].upper()}{download.text[1:]} …" if download.text else "Starting …"
        )
    words = [f"{size_text(download.done)} of {size_text(download.total)}"]
    if download.speed:
        words.append(f"{size_text(round(download.speed))}/s")
    if download.remaining is not None:
        words.append(f"{time_text(download.remaining)} left")
    return " · ".join([*words, download.text])


def _fraction(download: Download | None) -> float:
    return download.done / download.total if download is not None and download.total else 0.0


def _error(one: PartRow) -> str:
    if one.download is None or one.download.state is not State.FAILED or not one.lack:
        return ""
    return one.download.error


def _removal(shelf: ModelShelf, row: ModelRow, one: PartRow) -> str:
    if shelf.public:
        return ""
    try:
        return shelf.removal(row.spec.id, one.part.key).sentence
    except RefusedInput:
        return ""
