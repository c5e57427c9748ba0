"""Flags and environment: a flag wins over its variable, which wins over the default."""

from pathlib import Path

import pytest

from genimg_ui import settings
from genimg_ui.settings import PublicLimits, Settings, default_data_dir, parse_settings


def parsed(*flags: str, **environ: str) -> Settings:
    return parse_settings(flags, environ)


def test_defaults_listen_to_this_machine_only() -> None:
    found = parsed()
    assert (found.host, found.port, found.auth, found.public) == ("127.0.0.1", 7860, None, None)
    assert found.data_dir == Path("data").resolve()
    assert found.models.name == "models.yaml" and found.models.is_file()
    assert found.bounds.variants == 16


def test_environment_then_flags() -> None:
    environ = {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "80", "GENIMG_AUTH": "a:b:c"}
    found = parsed(**environ)
    assert (found.host, found.port, found.auth) == ("0.0.0.0", 80, ("a", "b:c"))
    flags = ("--host", "::1", "--port", "81", "--auth", "x:y")
    assert (parsed(*flags, **environ).host, parsed(*flags, **environ).port) == ("::1", 81)
    assert parsed(*flags, **environ).auth == ("x", "y")
    assert parsed(PORT="5000").port == 5000


def test_a_space_is_reached_from_outside() -> None:
    assert parsed(SPACE_ID="me/space").host == "0.0.0.0"


def test_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SPACE_DATA", tmp_path / "absent")
    assert default_data_dir({}) == Path("data")
    monkeypatch.setattr(settings, "SPACE_DATA", tmp_path)
    assert default_data_dir({}) == tmp_path
    assert default_data_dir({"GENIMG_DATA_DIR": "/else"}) == Path("/else")
    assert parsed("--data-dir", str(tmp_path / "x")).data_dir == tmp_path / "x"


def test_public_switches_limits_on_and_each_is_a_flag() -> None:
    assert parsed("--public").public == PublicLimits()
    assert parsed(GENIMG_PUBLIC="1").public == PublicLimits()
    assert parsed("--max-steps", "9").public is None
    for name, value in PublicLimits.__dataclass_fields__.items():
        wanted = type(value.default)(value.default + 1)
        flags = ("--public", f"--max-{name.replace('_', '-')}", str(wanted))
        assert getattr(parsed(*flags).public, name) == wanted
    flags = ("--max-steps", "9", "--max-variants", "2", "--max-passes", "5")
    bounds = parsed("--public", *flags).bounds
    assert (bounds.num_inference_steps, bounds.variants, bounds.passes) == (9, 2, 5)


@pytest.mark.parametrize(
    "flags",
    [
        ("--auth", "nameonly"),
        ("--auth", ":x"),
        ("--port", "x"),
        ("--port", "65536"),
        ("--max-steps", "many"),
        ("--public", "--max-steps", "0"),
        ("--public", "--max-disk-gib", "nan"),
        ("--public", "--max-megapixels", "200"),
        ("--x",),
    ],
    ids=" ".join,
)
def test_wrong_flags_end_the_program_with_a_sentence(flags, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        parsed(*flags)
    assert end.value.code not in (0, None)
    told = capsys.readouterr().err if end.value.code == 2 else end.value.code
    assert flags[-1] in told or "NAME:PASSWORD" in told


def test_a_wrong_variable_ends_the_program_with_a_sentence(capsys) -> None:
    with pytest.raises(SystemExit):
        parsed(PORT="x")
    assert "--port: must be in [0, 65535], got 'x'" in capsys.readouterr().err


def test_files_carry_their_record_and_are_signed_in_public_only(tmp_path: Path) -> None:
    assert (parsed().export.record, parsed().export.credentials) == (True, False)
    assert parsed("--public").export.credentials
    assert not parsed("--public", "--no-credentials").export.credentials
    assert not parsed("--public", GENIMG_CREDENTIALS="0").export.credentials
    assert parsed("--credentials", GENIMG_CREDENTIALS="0").export.credentials
    assert not parsed("--no-record").export.record
    assert not parsed(GENIMG_RECORD="0").export.record
    pair = {"GENIMG_CREDENTIAL_CERT": str(tmp_path / "c"), "GENIMG_CREDENTIAL_KEY": str(tmp_path)}
    files = parsed(**pair).export.files
    assert files is not None and (files.certificate, files.key) == (tmp_path / "c", tmp_path)
    with pytest.raises(SystemExit, match="must be given together"):
        parsed("--credential-cert", "c.pem")


def test_the_memory_of_models_is_a_flag_and_a_variable() -> None:
    assert parsed().model_memory_gib is None
    assert parsed(GENIMG_MODEL_MEMORY_GIB="2.5").model_memory_gib == 2.5
    assert parsed("--model-memory-gib", "0", GENIMG_MODEL_MEMORY_GIB="2").model_memory_gib == 0
    for text in ("-1", "much", "nan", "inf"):
        with pytest.raises(SystemExit):
            parsed(GENIMG_MODEL_MEMORY_GIB=text)
