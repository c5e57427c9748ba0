"""What text encoders and autoencoders have answered before, so that they are not asked again.

All variants of an edit read the same prompt and begin with the same picture, and so do repeated
edits. An answer is found again only by inputs that are equal in every bit and by the same state
of the weights, so it is the very tensor that the network would give once more. What is random
(the draw from an encoder's posterior) is drawn anew from what was kept.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from genimg_ui.backend.diffusion.overlay import overlaid

MEMO_BYTES = 256 * 2**20  # of all that is kept; a prompt of the largest text encoder takes 100 MB
MEMO_ANSWERS = 64
ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3", "prior_text_encoder")
AUTOENCODERS = ("vae", "movq")
TILING = ("use_tiling", "use_slicing", "tile_sample_min_size", "tile_sample_min_height")


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    owner: str
    given: Any
    value: Any
    bytes: int


class Memo:
    """Answers by the inputs that they were given for, the least used of them dropped first.

    Belongs to one loaded model. `hits` and `misses` count since it was made.
    """

    def __init__(self, *, limit: int = MEMO_BYTES, count: int = MEMO_ANSWERS) -> None:
        self._limit = limit
        self._count = count
        self._answers: list[_Answer] = []  # the last used one at the end
        self.hits = 0
        self.misses = 0

    @property
    def bytes(self) -> int:
        """How much memory the answers and their inputs hold."""
        return sum(answer.bytes for answer in self._answers)

    def answer(self, owner: str, given: Any, ask: Callable[[], Any]) -> Any:
        """What `ask` gives, or gave when `owner` was asked with equal `given` before."""
        for answer in reversed(self._answers):
            if answer.owner == owner and same(answer.given, given):
                self._answers.remove(answer)
                self._answers.append(answer)
                self.hits += 1
                return answer.value
        self.misses += 1
        with torch.no_grad():
            value = ask()
        self._keep(_Answer(owner, copied(given), value, held_bytes((given, value))))
        return value

    def clear(self) -> None:
        """Forget everything: the weights have changed."""
        self._answers.clear()

    def _keep(self, answer: _Answer) -> None:
        if answer.bytes > self._limit:
            return
        self._answers.append(answer)
        while self.bytes > self._limit or len(self._answers) > self._count:
            self._answers.pop(0)


@contextmanager
def remembered(pipe: Any, memo: Memo, state: Any = ()) -> Iterator[None]:
    """While the block runs, the pipeline's encoders answer from `memo` where they can.

    `state` is whatever else decides what they answer: the LoRAs and embeddings of the edit.
    """
    with ExitStack() as stack:
        for name in ENCODERS:
            encoder = getattr(pipe, name, None)
            if encoder is not None:
                ask = _remembering(memo, name, state, encoder.forward)
                stack.enter_context(overlaid(encoder, "forward", ask))
        for name in AUTOENCODERS:
            vae = getattr(pipe, name, None)
            if vae is not None:
                tiles = tuple(getattr(vae, setting, None) for setting in TILING)
                ask = _remembering(memo, name, tiles, vae.encode)
                stack.enter_context(overlaid(vae, "encode", ask))
        yield


def _remembering(memo: Memo, owner: str, state: Any, ask: Callable[..., Any]) -> Callable[..., Any]:
    def asked(*places: Any, **named: Any) -> Any:
        return memo.answer(owner, (state, places, named), lambda: ask(*places, **named))

    return asked


def same(one: Any, other: Any) -> bool:
    """Whether two inputs are equal: tensors in every bit, precision, layout and place."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return _form(one) == _form(other) and torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _form(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Also the layout in memory: kernels round differently in another."""
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def copied(given: Any) -> Any:
    """The same with tensors of its own, for whoever gave it may go on writing into them."""
    if isinstance(given, torch.Tensor):
        return given.detach().clone()
    if isinstance(given, dict):
        return {key: copied(value) for key, value in given.items()}
    if type(given) in (list, tuple):
        return type(given)(copied(value) for value in given)
    return given


def held_bytes(value: Any) -> int:
    """The size of all tensors that a value holds, however deep; each once."""
    return sum(_tensors(value, {}).values())


def _tensors(value: Any, seen: dict[int, int]) -> dict[int, int]:
    if id(value) in seen:
        return seen
    if isinstance(value, torch.Tensor):
        seen[id(value)] = value.nbytes
        return seen
    seen[id(value)] = 0
    if isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, list | tuple):
        inside = list(value)
    else:
        inside = list(getattr(value, "__dict__", {}).values())
    for part in inside:
        _tensors(part, seen)
    return seen
