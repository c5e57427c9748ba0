"""An entry that is added is there at once; a broken file leaves what was."""

from pathlib import Path

import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.registry.live import LiveRegistry

MODELS = "models: {exemplar: {engine: exemplar, licence: Apache-2.0}}"


def ids(registry: LiveRegistry) -> list[str]:
    return [spec.id for spec in registry().all()]


def test_added_entries_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(MODELS)
    own = tmp_path / "own-models.yaml"
    registry = LiveRegistry(tmp_path / "models.yaml", own)
    assert ids(registry) == ["exemplar"]
    own.write_text("models: {mine: {source: owner/name, family: sd15}}")
    assert ids(registry) == ["exemplar", "mine"] and registry().added == {"mine"}
    own.write_text("models: {mine: {source: owner/name, family: sd99}}")
    assert ids(registry) == ["exemplar", "mine"]
    assert "own-models.yaml line 1: models.mine.family must be one of" in registry.problem
    own.unlink()
    assert ids(registry) == ["exemplar"] and registry.problem == ""


def test_a_name_of_the_program_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(MODELS)
    own = tmp_path / "own-models.yaml"
    own.write_text("models: {exemplar: {engine: exemplar}}")
    with pytest.raises(RefusedInput, match="own-models.yaml: models.exemplar is the name of"):
        LiveRegistry(tmp_path / "models.yaml", own)
