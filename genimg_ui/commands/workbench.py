"""Store, models and editor of one command of the command line."""

import argparse
import os
from typing import Self

from genimg_ui.backend.pool import BackendPool
from genimg_ui.editor import Editor
from genimg_ui.history.names import session_id
from genimg_ui.history.private import PrivateSecret
from genimg_ui.history.store import Store
from genimg_ui.registry import Registry, load_registry
from genimg_ui.registry.live import OWN_FILE
from genimg_ui.shelf.licences import Licences
from genimg_ui.shelf.machine import model_memory, this_machine


class Workbench:
    """What a command works with, made of its flags; close it by leaving the `with` block."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self.registry: Registry = load_registry(flags.models, flags.data_dir / OWN_FILE)
        os.environ.setdefault("NUMBA_CACHE_DIR", str(flags.data_dir / "cache" / "numba"))
        self.store = Store.open(flags.data_dir)
        self.pool = BackendPool(
            hashes=flags.data_dir / "cache" / "weights.json",
            annotators=self.registry.annotators,
            budget=model_memory(this_machine(), flags.model_memory_gib),
        )
        self.licences = Licences(flags.data_dir)
        self.editor = self.editor_of(self.store)
        # All edits of the command line share one seed log, to which no page can find the key.
        key = PrivateSecret(flags.data_dir).derive("command line", "session")
        self.session = session_id(key)

    def editor_of(self, store: Store, registry: Registry | None = None) -> Editor:
        """An editor of another data folder with the same engines, and these models or its own."""
        return Editor(store, registry or self.registry, self.pool, licences=self.licences)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()
