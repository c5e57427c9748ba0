"""Where presets lie: built in beside the program, and each session's own in the data folder."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.files import make_folder, write_whole
from genimg_ui.history.locks import locked_path
from genimg_ui.history.names import check_session
from genimg_ui.presets import MAX_PRESETS, Preset, read_presets, write_presets

BUILT_IN = Path(__file__).parent.parent / "assets" / "presets"


def built_in_presets(folder: Path = BUILT_IN) -> tuple[Preset, ...]:
    """The presets that come with the program, in the order of files and lines."""
    files = sorted(folder.glob("*.yaml"))
    return tuple(preset for file in files for preset in read_presets(file))


class PresetShelf:
    """Presets by session; a person's own hides a built-in one of the same name."""

    def __init__(self, data_dir: Path, built_in: Sequence[Preset] | None = None) -> None:
        self._folder = make_folder(data_dir / "presets")
        self.built_in = built_in_presets() if built_in is None else tuple(built_in)

    def own(self, session: str) -> tuple[Preset, ...]:
        """What the session has saved or brought in; raises RefusedInput for a damaged file."""
        path = self._path(session)
        return read_presets(path) if path.is_file() else ()

    def all(self, session: str) -> tuple[Preset, ...]:
        """The session's own first, then the built-in ones that they do not hide."""
        own = self.own(session)
        names = {preset.name for preset in own}
        return (*own, *(preset for preset in self.built_in if preset.name not in names))

    def get(self, session: str, name: str) -> Preset:
        """A preset by its name; raises UnknownItem."""
        for preset in self.all(session):
            if preset.name == name:
                return preset
        raise UnknownItem(f"There is no preset {name[:60]!r}.")

    def save(self, session: str, presets: Sequence[Preset]) -> None:
        """Keep presets, each in the place of one of the same name."""
        with self._locked(session):
            kept = {preset.name: preset for preset in (*self.own(session), *presets)}
            if len(kept) > MAX_PRESETS:
                raise RefusedInput(
                    f"A session may keep {MAX_PRESETS} presets, this would make {len(kept)}.",
                    remedy="Delete some first.",
                )
            self._write(session, tuple(kept.values()))

    def bring_in(self, session: str, path: Path) -> tuple[Preset, ...]:
        """Keep every preset of a YAML file, or none where anything in it is wrong."""
        presets = read_presets(path)
        self.save(session, presets)
        return presets

    def delete(self, session: str, name: str) -> None:
        """Remove one of the session's own; raises UnknownItem for any other."""
        with self._locked(session):
            own = self.own(session)
            left = tuple(preset for preset in own if preset.name != name)
            if len(left) == len(own):
                raise UnknownItem(f"{name[:60]!r} is not one of your own presets.")
            if left:
                self._write(session, left)
            else:
                self._path(session).unlink()

    def _write(self, session: str, presets: tuple[Preset, ...]) -> None:
        write_whole(self._path(session), write_presets(presets).encode(), "the presets")

    def _path(self, session: str) -> Path:
        return self._folder / f"{check_session(session)}.yaml"

    def _locked(self, session: str) -> AbstractContextManager[None]:
        return locked_path(self._path(session).with_suffix(".lock"))
