"""Keeps loaded weights between edits, the least recently used given up first.

A budget in bytes bounds what is kept; the value that is asked for stays, however large it is.
Tensors that several values share are counted once.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any, TypeVar

import torch

from genimg_ui.backend.diffusion.quantising import stored

T = TypeVar("T")
Modules = Callable[[Any], Iterable[torch.nn.Module]]


class ModelCache:
    """Values by key, each with the networks that `modules` finds in it.

    `released` is called after values were given up, to hand freed memory back to the device.
    """

    def __init__(self, budget: int, modules: Modules, released: Callable[[], None]) -> None:
        self.budget = budget
        self._modules = modules
        self._released = released
        self._values: OrderedDict[Hashable, Any] = OrderedDict()  # the last used at the end
        self._storages: dict[Hashable, dict[int, int]] = {}  # as they were put

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """What is kept, the least recently used first."""
        return tuple(self._values)

    @property
    def bytes(self) -> int:
        """How much memory all kept weights hold together."""
        return self.held(self._values)

    def held(self, keys: Iterable[Hashable]) -> int:
        """How much memory the weights of these keys' values hold together."""
        storages: dict[int, int] = {}
        for key in keys:
            storages |= self._storages[key]
        return sum(storages.values())

    def get(
        self,
        key: Hashable,
        load: Callable[[], T],
        *,
        needs: int = 0,
        keep: Collection[Hashable] = (),
    ) -> T:
        """The value of `key`, loaded by `load` where it is not kept.

        `needs` is about how many bytes it will hold: room is made for them before it is loaded.
        Values of `keep` are in use, and are not given up for it.
        """
        if key in self._values:
            kept: T = self.used(key)
            return kept
        self.make_room(needs, keep=keep)
        value = load()
        self.put(key, value, keep=keep)
        return value

    def used(self, key: Hashable) -> Any:
        """The value of `key`, which is kept, as the last used one."""
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Hashable, value: Any, *, keep: Collection[Hashable] = ()) -> None:
        """Keep a value, and give up others where it is too much."""
        self._values[key] = value
        self._storages[key] = _storages(self._modules(value))
        self._values.move_to_end(key)
        self.make_room(0, keep=(*keep, key))

    def recount(self, key: Hashable) -> None:
        """Count a kept value anew, whose weights have become more or fewer since it was put."""
        if key in self._values:
            self.put(key, self._values[key])

    def make_room(
        self, needs: int, *, keep: Collection[Hashable] = (), budget: int | None = None
    ) -> None:
        """Give up values until `needs` more bytes fit the budget, or only `keep` is left."""
        limit = self.budget if budget is None else budget
        for key in self.keys:
            if self.bytes + needs <= limit:
                return
            if key not in keep:
                self.drop([key])

    def drop(self, keys: Iterable[Hashable]) -> None:
        """Give up the values of these keys."""
        for key in tuple(keys):
            del self._values[key], self._storages[key]
            self._released()

    def clear(self) -> None:
        """Give up everything."""
        self._values.clear()
        self._storages.clear()
        self._released()


def weight_bytes(modules: Iterable[torch.nn.Module]) -> int:
    """Bytes of all parameters and buffers; storage that is shared counts once."""
    return sum(_storages(modules).values())


def _storages(modules: Iterable[torch.nn.Module]) -> dict[int, int]:
    """Bytes by address. Walking through thousands of tensors takes milliseconds."""
    storages: dict[int, int] = {}
    for module in modules:
        for tensor in (*module.parameters(), *module.buffers()):
            for part in stored(tensor):
                storage = part.untyped_storage()
                storages[storage.data_ptr()] = storage.nbytes()
    return storages
