"""What can be said, before an edit is queued, of what it adds to its model."""

from genimg_ui.core.adapters import few_step_findings
from genimg_ui.core.preflight import Finding
from genimg_ui.core.request import EditRequest
from genimg_ui.core.tokens import named_tokens, unknown_tokens
from genimg_ui.registry.adapters import AddedFile
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.single_file import find_file


def adapter_findings(request: EditRequest, spec: ModelSpec) -> list[Finding]:
    """Files that are not here, settings that contradict a LoRA, tokens that mean nothing."""
    findings = [*_absent(request, spec)]
    findings += few_step_findings(request, [lora.offer for lora in spec.loras])
    tokens = [embedding.token for embedding in spec.embeddings]
    for token in unknown_tokens(_texts(request), tokens) if spec.uses_prompt else ():
        findings.append(
            Finding(sentence=f"{spec.title} knows no embedding {token}: it is read as plain text.")
        )
    return findings


def _texts(request: EditRequest) -> tuple[str, str]:
    return request.sampling.prompt, request.sampling.negative_prompt


def _absent(request: EditRequest, spec: ModelSpec) -> list[Finding]:
    chosen = {unit.name for unit in request.loras}
    kinds = {unit.kind for unit in request.references}
    named = named_tokens(_texts(request), [embedding.token for embedding in spec.embeddings])
    wanted: list[tuple[str, AddedFile]] = [
        *((f"The LoRA {lora.name}", lora) for lora in spec.loras if lora.name in chosen),
        *((f"The embedding {e.token}", e) for e in spec.embeddings if e.token in named),
    ]
    for reference in (each for each in spec.references if each.kind in kinds):
        wanted.append(("The reference adapter", reference))
        wanted += [("The image encoder of references", file) for file in reference.encoder_files]
    lacking = [(what, added, _lack(added)) for what, added in wanted]
    told = dict.fromkeys(
        f"{what} cannot be used: {added.source} {lack}." for what, added, lack in lacking if lack
    )
    return [Finding(sentence=sentence, blocking=True) for sentence in told]


def _lack(added: AddedFile) -> str:
    """Why the file cannot be used; "" where it can, or is fetched at its first use."""
    path, lack = find_file(added.source, added.file)
    if path is not None:
        return ""
    if not folders.is_hub_id(added.source):
        return lack
    unreachable = "the Hugging Face hub cannot be reached from here"
    return "" if folders.hub_reachable() else f"{lack}, and {unreachable}"
