"""Textual inversions (Gal et al. 2022, arXiv:2208.01618): words with vectors of their own.

An embedding is loaded where its token stands in a text of the edit, into copies of the tokenizer
and of the table of word vectors, which are taken off after the edit. So nothing of it stays.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from genimg_ui.backend.diffusion.added_files import added_file
from genimg_ui.backend.diffusion.guarded import guarded
from genimg_ui.backend.weight_records import added_record
from genimg_ui.core.provenance import PartRecord
from genimg_ui.core.tokens import named_tokens
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes

# Where both encoders of a model have vectors of their own: the names that trainers write.
ENCODER_KEYS = {"text_encoder": "clip_l", "text_encoder_2": "clip_g"}
TOKENIZERS = {"text_encoder": "tokenizer", "text_encoder_2": "tokenizer_2"}


@contextmanager
def embeddings_loaded(
    pipe: Any,
    spec: ModelSpec,
    texts: Sequence[str],
    hashes: WeightHashes,
    watch: OnFetching,
    *,
    recorded: Sequence[str] | None = None,
) -> Iterator[tuple[PartRecord, ...]]:
    """Give the pipeline the embeddings whose tokens stand in `texts` while the block runs.

    `pipe` is the one that reads the texts: its twin with ControlNets has tokenizers of its own.
    `recorded` are the tokens that an earlier run of the same edit had, which are then the only
    ones: an embedding that was added since would change what its words mean.
    Raises ModelUnavailable where one is absent, broken or made for another model.
    """
    wanted = named_tokens(texts, [embedding.token for embedding in spec.embeddings])
    if recorded is not None:
        _check_known(recorded, spec)
        wanted = tuple(recorded)
    chosen = [embedding for embedding in spec.embeddings if embedding.token in wanted]
    if not chosen:
        yield ()
        return
    records = []
    with _copied(pipe):
        for embedding in chosen:
            what = f"The embedding {embedding.token}"
            path = added_file(what, embedding, watch)
            guarded(what, path, partial(_load, pipe, path, embedding.token, spec.title))
            records.append(
                added_record("embedding", embedding.token, embedding.source, path, hashes)
            )
        yield tuple(records)


def _check_known(tokens: Sequence[str], spec: ModelSpec) -> None:
    known = [embedding.token for embedding in spec.embeddings]
    lost = [token for token in tokens if token not in known]
    if lost:
        raise ModelUnavailable(
            f"The edit was made with the embedding {', '.join(lost)}, and models.yaml names for "
            f"{spec.title} {', '.join(known) or 'none'}: add it under `embeddings`."
        )


@contextmanager
def _copied(pipe: Any) -> Iterator[None]:
    """Put copies in the place of tokenizers and word tables, and the originals back."""
    names = [name for name in TOKENIZERS if getattr(pipe, name, None) is not None]
    kept = []
    try:
        for name in names:
            encoder, tokenizer = getattr(pipe, name), getattr(pipe, TOKENIZERS[name])
            table = encoder.get_input_embeddings()
            kept.append((name, tokenizer, table, encoder.config.vocab_size))
            setattr(pipe, TOKENIZERS[name], copy.deepcopy(tokenizer))
            encoder.set_input_embeddings(copy.deepcopy(table))
        yield
    finally:
        for name, tokenizer, table, size in kept:
            encoder = getattr(pipe, name)
            setattr(pipe, TOKENIZERS[name], tokenizer)
            encoder.set_input_embeddings(table)
            encoder.config.vocab_size = size


def _load(pipe: Any, path: Path, token: str, title: str) -> None:
    tensors = load_file(path)
    both = getattr(pipe, "text_encoder_2", None) is not None
    if both and not set(ENCODER_KEYS.values()) <= set(tensors):
        raise ModelUnavailable(
            f"The embedding {token} was made for another model than {title}, whose two text "
            f"encoders need {' and '.join(ENCODER_KEYS.values())}; it has {', '.join(tensors)}."
        )
    for name, key in ENCODER_KEYS.items():
        encoder = getattr(pipe, name, None)
        if encoder is None:
            continue
        vectors = tensors[key] if both else _only(tensors, token)
        width = encoder.get_input_embeddings().weight.shape[-1]
        if vectors.shape[-1] != width:
            raise ModelUnavailable(
                f"The embedding {token} was made for another model than {title}: its vectors must "
                f"have {width} numbers, got {vectors.shape[-1]}."
            )
        tokenizer = getattr(pipe, TOKENIZERS[name])
        pipe.load_textual_inversion(
            {token: vectors}, token=token, text_encoder=encoder, tokenizer=tokenizer
        )


def _only(tensors: dict[str, torch.Tensor], token: str) -> torch.Tensor:
    """The vectors of a file for one encoder, whatever its trainer has called them."""
    if len(tensors) != 1:
        raise ModelUnavailable(
            f"The embedding {token} must be a file with one table of vectors, got "
            f"{', '.join(sorted(tensors)) or 'none'}."
        )
    vectors = next(iter(tensors.values()))
    return vectors if vectors.ndim > 1 else vectors[None]
