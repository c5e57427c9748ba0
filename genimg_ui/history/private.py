"""A secret that never leaves this program: what is derived from it, nobody else can make.

The store's other secret goes to every browser, as the key of what Gradio keeps there.
"""

import hmac
import secrets
from pathlib import Path

from genimg_ui.history.files import make_folder, write_whole
from genimg_ui.history.locks import locked_path


class PrivateSecret:
    """Drawn once for a data folder."""

    def __init__(self, data_dir: Path) -> None:
        path = make_folder(data_dir) / "private_secret"
        with locked_path(data_dir / "genimg.lock"):  # two starts must not draw two
            if not path.exists():
                write_whole(path, secrets.token_hex(32).encode(), "the private secret")
        self._secret = path.read_bytes()

    def derive(self, purpose: str, name: str) -> str:
        """32 hex digits that are the same for the same purpose and name, and cannot be guessed."""
        return hmac.new(self._secret, f"{purpose}\n{name}".encode(), "sha256").hexdigest()[:32]

    def is_derived(self, purpose: str, name: str, digits: str) -> bool:
        """Whether `derive` gave these digits."""
        return hmac.compare_digest(self.derive(purpose, name).encode(), digits.encode())
