"""judging/ of the data folder: one folder for each study, with its pictures and answers.

```
judging/<study>/study.json      what is compared, by whom it is owned
                answers.jsonl   what raters said
                <picture>.png   blind copies of the results; they outlive the results
```
A study is seen by whoever knows its id; what came of it, by its owner only.
"""

import json
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.history.files import make_folder, storage_error, sync_folder, write_whole
from genimg_ui.history.names import check_session, is_session, new_session_key, utc_now
from genimg_ui.judging.answers import AnswerLog
from genimg_ui.judging.blind import blind_png
from genimg_ui.judging.study import Item, Study, check_texts, draw_pairs

FOLDER = "judging"
SEED_LIMIT = 2**32
ABANDONED_AFTER = 3600.0  # seconds: copying the pictures of a study takes less


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLimits:
    """How much studies may take; bytes are of pictures."""

    of_session: int = 100
    pictures: int = 1000  # of one study
    bytes_in_all: int = 20_000_000_000


PUBLIC_LIMITS = StudyLimits(of_session=3, pictures=60, bytes_in_all=2_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A picture that may enter a study: result `index` of the edit `entry`, by `player`."""

    case: str
    prompt: str
    player: str
    entry: str
    index: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants of a study; `seed` None draws one."""

    title: str
    instructions: str = ""
    pairs: int = 60
    seed: int | None = None


class Studies:
    """The studies of one data folder; safe to share between threads and processes."""

    def __init__(self, data_dir: Path, limits: StudyLimits | None = None) -> None:
        self._folder = make_folder(data_dir / FOLDER)
        self._limits = limits or StudyLimits()
        self._logs: dict[str, AnswerLog] = {}
        self._sweep()

    def make(self, session: str, entrants: Sequence[Entrant], wish: Wish) -> Study:
        """Draw pairs, copy their pictures, keep all; raises RefusedInput, StorageError."""
        title, instructions = check_texts(wish.title, wish.instructions)
        self._check_room(session, entrants)
        seed = secrets.randbelow(SEED_LIMIT) if wish.seed is None else wish.seed
        items = tuple(
            Item(
                case=each.case,
                player=each.player,
                entry=each.entry,
                index=each.index,
                picture=secrets.token_hex(16),
            )
            for each in entrants
        )
        pairs = draw_pairs(_steady(items), wish.pairs, seed)
        study = Study(
            id=new_session_key(),
            owner=check_session(session),
            created=utc_now(),
            title=title,
            instructions=instructions,
            seed=seed,
            items=items,
            pairs=pairs,
            prompts=_prompts(entrants),
        )
        used = {place for pair in pairs for place in (pair.first, pair.second)}
        # In the order of the random names, so that no date of a file tells who made it.
        copies = sorted((items[place].picture, entrants[place].path) for place in used)
        self._keep(study, copies)
        return study

    def study(self, study_id: str) -> Study:
        """The study of this id; UnknownItem where there is none."""
        path = self._place(study_id) / "study.json"
        try:
            return from_json(Study, json.loads(path.read_text("utf-8")))
        except FileNotFoundError as error:
            raise UnknownItem("There is no such study here; it may have been removed.") from error
        except (OSError, ValueError) as error:
            raise StorageError(f"The study {study_id} cannot be read: {error}.") from error

    def own(self, session: str, study_id: str) -> Study:
        """The study if it is this session's; UnknownItem otherwise."""
        study = self.study(study_id)
        if study.owner != check_session(session):
            raise UnknownItem(f"The study {study_id[:8]} is not in this session.")
        return study

    def of_session(self, session: str) -> list[Study]:
        """The session's studies, newest first; those that cannot be read are left out."""
        found = []
        for folder in self._folder.iterdir():
            with suppress(UnknownItem, StorageError):
                if is_session(folder.name):
                    found.append(self.study(folder.name))
        mine = [study for study in found if study.owner == session]
        return sorted(mine, key=lambda study: study.created, reverse=True)

    def answers(self, study_id: str) -> AnswerLog:
        """The answers to a study that exists."""
        return self._logs.setdefault(study_id, AnswerLog(self._place(study_id) / "answers.jsonl"))

    def picture(self, study: Study, item: Item) -> Path:
        """The blind copy of an item."""
        return self._place(study.id) / f"{item.picture}.png"

    def remove(self, session: str, study_id: str) -> None:
        """Remove a study of this session with its pictures and answers."""
        study = self.own(session, study_id)
        try:
            shutil.rmtree(self._place(study.id))
            self._logs.pop(study.id, None)
        except OSError as error:
            raise storage_error(error, self._folder, "the removal of a study") from error

    def _place(self, study_id: str) -> Path:
        if not isinstance(study_id, str) or not is_session(study_id):
            raise UnknownItem(f"A study's id has 32 hex digits, got {str(study_id)[:40]!r}.")
        return self._folder / study_id

    def _keep(self, study: Study, copies: Sequence[tuple[str, Path]]) -> None:
        """Write everything; the study is there once its last file is."""
        folder = make_folder(self._place(study.id))
        try:
            for name, source in copies:
                write_whole(folder / f"{name}.png", blind_png(source), "a picture of the study")
            content = json.dumps(to_json(study), ensure_ascii=False, indent=1).encode()
            write_whole(folder / "study.json", content, "the study")
            sync_folder(self._folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _sweep(self) -> None:
        """Remove what was never finished: its program was killed."""
        for folder in self._folder.iterdir():
            with suppress(OSError):
                old = time.time() - folder.stat().st_mtime > ABANDONED_AFTER
                if old and is_session(folder.name) and not (folder / "study.json").exists():
                    shutil.rmtree(folder, ignore_errors=True)

    def _check_room(self, session: str, entrants: Sequence[Entrant]) -> None:
        limits = self._limits
        if len(entrants) > limits.pictures:
            raise RefusedInput(
                f"A study may have at most {limits.pictures} pictures here, got {len(entrants)}.",
                remedy="Choose fewer results.",
            )
        if len(self.of_session(session)) >= limits.of_session:
            raise RefusedInput(
                f"A session may have {limits.of_session} studies here, and this one has as many.",
                remedy="Remove one.",
            )
        asked = sum(each.path.stat().st_size for each in entrants)
        there = sum(path.stat().st_size for path in self._folder.glob("*/*.png"))
        if asked + there > limits.bytes_in_all:
            raise RefusedInput(
                f"Pictures of studies may take {limits.bytes_in_all / 1e6:.0f} MB here: there are "
                f"{there / 1e6:.0f} MB, and these have {asked / 1e6:.0f} MB.",
                remedy="Remove a study, or choose fewer results.",
            )


def _steady(items: Sequence[Item]) -> list[Item]:
    """The items named by what they are: the pairs depend on the seed, not on random names."""
    return [
        Item(
            case=i.case,
            player=i.player,
            entry=i.entry,
            index=i.index,
            picture=f"{i.entry}:{i.index}",
        )
        for i in items
    ]


def _prompts(entrants: Sequence[Entrant]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for each in entrants:
        found.setdefault(each.case, set()).add(each.prompt)
    return {case: next(iter(words)) if len(words) == 1 else "" for case, words in found.items()}
