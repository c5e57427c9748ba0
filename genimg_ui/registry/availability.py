"""Whether a model can be used on this machine, and if not, why: in one sentence."""

from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry.places import Absent, locate
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Wanted


def availability(spec: ModelSpec, *, safety: bool = False) -> str | None:
    """Why the model cannot be used here, in one sentence; None if it can.

    With `safety` its safety checker must be there as well, where the model has one.
    """
    if not spec.source:
        return None
    wanted, lack = _lack(spec, safety=safety)
    if not lack:
        return None
    if wanted is None:
        return f"{spec.title} cannot be used: {lack}."
    if folders.hub_reachable():
        return None  # it is downloaded at its first use
    return (
        f"{spec.title} needs a download of {download_size(spec)} from the Hugging Face hub, which "
        f"cannot be reached from here ({lack}); the embedded engine `exemplar` works without."
    )


def absence(spec: ModelSpec) -> tuple[bool, str]:
    """What of the model is not on this machine, "" where nothing is, and whether a hub has it.

    The text is the end of a sentence about the model, without its full stop.
    """
    if not spec.source:
        return False, ""
    wanted, lack = _lack(spec, safety=False)
    return wanted is not None, lack


def download_size(spec: ModelSpec) -> str:
    """How much must be fetched, in words."""
    return f"about {spec.download_gib:g} GB" if spec.download_gib else "several GB"


def _lack(spec: ModelSpec, *, safety: bool) -> tuple[Wanted | None, str]:
    """What to fetch, if that would mend it, and what is missing; "" where nothing is."""
    try:
        locate(spec, safety=safety)
    except Absent as absent:
        return absent.wanted, str(absent)
    except ModelUnavailable as problem:
        return None, str(problem).removesuffix(".")
    if spec.lora and folders.local_folder(spec.lora) is None:
        wanted = Wanted(hub_id=spec.lora) if folders.is_hub_id(spec.lora) else None
        return wanted, f"its LoRA {spec.lora} is not on this machine"
    return None, ""
