"""Content credentials say what was done, hold for the signed pixels only, and stay offline."""

import datetime
import io
import json
import socket
from dataclasses import replace
from pathlib import Path

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from PIL import Image

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.provenance import ModelRecord
from genimg_ui.credentials.identity import CredentialFiles, Identity, load_identity
from genimg_ui.credentials.manifest import (
    GENERATIVE,
    NON_GENERATIVE,
    Ingredient,
    Step,
    make_manifest,
)
from genimg_ui.credentials.reading import CredentialState, verify
from genimg_ui.credentials.signing import sign_file
from genimg_ui.errors import RefusedInput
from tests.core.picture_files import chunk, chunks
from tests.editing import noise, png, saved
from tests.history.test_metadata import entry

SIZE = Size(48, 36)
KINDS = {"PNG": "image/png", "WEBP": "image/webp", "JPEG": "image/jpeg", "TIFF": "image/tiff"}
NO_BORDER = replace(entry().request, border=Sides())


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return load_identity(tmp_path / "data", None)


def step(model: str = "diffusers 0.42", **parts: object) -> Step:
    given = replace(entry(), request=NO_BORDER, model=ModelRecord(id="m", engine=model))
    return Step(entry=replace(given, **parts), size=SIZE, painted=Box(4, 5, 20, 30))


def signed(folder: Path, identity: Identity, *steps: Step, kind: str = "PNG") -> Path:
    """A signed picture, made from a source beside it."""
    source, unsigned, target = (folder / name for name in ("source", "unsigned", "signed"))
    source.write_bytes(png(noise(*SIZE)))
    unsigned.write_bytes(saved(noise(*SIZE, seed=6), kind))
    manifest = make_manifest(steps or (step(),), KINDS[kind])
    sign_file(unsigned, target, manifest, Ingredient(source, "image/png"), identity)
    return target


def actions(path: Path) -> list[dict[str, object]]:
    """As another program would read them."""
    store = json.loads(c2pa.Reader("image/png", io.BytesIO(path.read_bytes())).json())
    manifest = store["manifests"][store["active_manifest"]]
    [found] = [a for a in manifest["assertions"] if a["label"].startswith("c2pa.actions")]
    return found["data"]["actions"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_file_is_valid_and_its_pixels_are_as_before(
    tmp_path: Path, identity: Identity, kind: str
) -> None:
    path = signed(tmp_path, identity, kind=kind)
    verdict = verify(path)
    assert (verdict.state, verdict.test) == (CredentialState.VALID, True)
    assert "with a test certificate: who signed it is not proven" in verdict.sentence
    assert not verdict.problems
    with Image.open(path) as after, Image.open(tmp_path / "unsigned") as before:
        assert np.array_equal(np.asarray(after), np.asarray(before))


def test_a_changed_pixel_makes_it_fail(tmp_path: Path, identity: Identity) -> None:
    """The pixels of another PNG, whole and with right checksums, under the same manifest."""
    path = signed(tmp_path, identity)
    with Image.open(path) as image:
        pixels = np.asarray(image).copy()
    pixels[0, 0, 0] ^= 1
    given = path.read_bytes()
    other = dict(chunks(png(Image.fromarray(pixels))))[b"IDAT"]
    forged = given[:8] + b"".join(
        chunk(kind, other if kind == b"IDAT" else data) for kind, data in chunks(given)
    )
    assert np.asarray(Image.open(io.BytesIO(forged)))[0, 0, 0] == pixels[0, 0, 0]
    verdict = verify(forged)
    assert verdict.state is CredentialState.INVALID
    assert "changed after it was signed" in verdict.sentence and verdict.problems


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_of_the_picture_makes_it_fail(
    tmp_path: Path, identity: Identity, kind: str
) -> None:
    path = signed(tmp_path, identity, kind=kind)
    data, plain = bytearray(path.read_bytes()), (tmp_path / "unsigned").read_bytes()
    place = data.find(plain[len(plain) // 2 : len(plain) // 2 + 16])
    assert place > 0
    data[place] ^= 1
    assert verify(bytes(data)).state is CredentialState.INVALID


def test_the_manifest_says_what_was_done_and_where(tmp_path: Path, identity: Identity) -> None:
    opened, edited = actions(signed(tmp_path, identity))
    assert opened["action"] == "c2pa.opened" and edited["action"] == "c2pa.edited"
    assert edited["digitalSourceType"] == GENERATIVE
    assert edited["softwareAgent"]["name"] == "genimg_ui"
    [change] = edited["changes"]
    shape = change["region"][0]["shape"]
    assert (shape["origin"], shape["width"], shape["height"]) == ({"x": 4.0, "y": 5.0}, 16, 25)


def test_a_fill_without_a_model_is_not_called_generative(
    tmp_path: Path, identity: Identity
) -> None:
    [_, edited] = actions(signed(tmp_path, identity, step("exemplar 3")))
    assert edited["digitalSourceType"] == NON_GENERATIVE


def test_an_engine_that_nobody_names_counts_as_generative() -> None:
    unknown = step(model="x")
    unknown = replace(unknown, entry=replace(unknown.entry, model=None))
    [_, edited] = make_manifest([unknown], "image/png")["assertions"][0]["data"]["actions"]
    assert edited["digitalSourceType"] == GENERATIVE


def test_regions_are_those_of_the_result_also_after_a_later_border() -> None:
    wider = step(request=replace(NO_BORDER, border=Sides(7, 2, 0, 0)))
    made = make_manifest([step(), replace(wider, painted=None)], "image/png")
    _, first, second = made["assertions"][0]["data"]["actions"]

    def boxes(action: dict[str, object]) -> list[tuple[float, ...]]:
        shapes = [change["region"][0]["shape"] for change in action["changes"]]
        return [(s["origin"]["x"], s["origin"]["y"], s["width"], s["height"]) for s in shapes]

    assert boxes(first) == [(11, 7, 16, 25)]
    assert boxes(second) == [(0, 0, 7, 38), (7, 0, 48, 2)]


def test_neither_prompt_nor_seed_nor_thumbnail_is_told(tmp_path: Path, identity: Identity) -> None:
    path = signed(tmp_path, identity)
    data = path.read_bytes()
    assert b"red door" not in data and b"blurry" not in data and b"thumbnail" not in data
    assert len(data) < len((tmp_path / "unsigned").read_bytes()) + 50_000


def test_the_sources_own_manifest_is_kept(tmp_path: Path, identity: Identity) -> None:
    first = signed(tmp_path, identity)
    second = tmp_path / "second"
    manifest = make_manifest([step()], "image/png")
    sign_file(tmp_path / "unsigned", second, manifest, Ingredient(first, "image/png"), identity)
    assert verify(second).ingredients == ("source (image/png), with credentials of its own",)
    assert verify(first).ingredients == ("source (image/png), without credentials of its own",)
    store = json.loads(c2pa.Reader("image/png", io.BytesIO(second.read_bytes())).json())
    assert len(store["manifests"]) == 2


def test_the_test_certificate_is_made_once_and_says_what_it_is(tmp_path: Path) -> None:
    first, second = (load_identity(tmp_path, None) for _ in range(2))
    assert first == second and first.test
    for certificate in x509.load_pem_x509_certificates(first.chain):
        assert "not trusted" in certificate.subject.rfc4514_string()
    key = tmp_path / "credentials" / "test_key.pem"
    assert key.stat().st_mode & 0o077 == 0
    assert load_identity(tmp_path / "other", None).chain != first.chain


def test_a_manifest_elsewhere_is_not_fetched(identity: Identity) -> None:
    """A file that names an address must not make the server of the page go there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"
        builder = c2pa.Builder.from_json(make_manifest([step()], "image/jpeg"))
        builder.set_no_embed()
        builder.set_remote_url(address)
        source = io.BytesIO(png(noise(*SIZE)))
        builder.add_ingredient({"label": "source", "relationship": "parentOf"}, "image/png", source)
        info = c2pa.C2paSignerInfo(
            alg=c2pa.C2paSigningAlg.ES256,
            sign_cert=identity.chain,
            private_key=identity.key,
            ta_url=None,
        )
        target = io.BytesIO()
        plain = io.BytesIO(saved(noise(*SIZE), "JPEG"))
        builder.sign(c2pa.Signer.from_info(info), "image/jpeg", plain, target)
        assert address.encode() in target.getvalue()
        verdict = verify(target.getvalue())
        with pytest.raises(TimeoutError):
            server.accept()
    assert verdict.state is not CredentialState.VALID


def test_a_configured_certificate_signs(tmp_path: Path, identity: Identity) -> None:
    files = CredentialFiles(certificate=tmp_path / "chain.pem", key=tmp_path / "key.pem")
    files.certificate.write_bytes(identity.chain)
    files.key.write_bytes(identity.key)
    own = load_identity(tmp_path / "elsewhere", files)
    assert not own.test and own.algorithm == "es256"
    assert not (tmp_path / "elsewhere").exists()
    assert verify(signed(tmp_path, own)).state is CredentialState.VALID


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (pem(ec.generate_private_key(ec.SECP256R1())), "must be that of the first certificate"),
        (b"no key", "PEM key without password"),
        (None, "must be readable files, got key.pem"),
    ],
)
def test_a_wrong_key_is_refused(
    tmp_path: Path, identity: Identity, key: bytes | None, said: str
) -> None:
    files = CredentialFiles(certificate=tmp_path / "chain.pem", key=tmp_path / "key.pem")
    files.certificate.write_bytes(identity.chain)
    if key is not None:
        files.key.write_bytes(key)
    with pytest.raises(RefusedInput, match=said):
        load_identity(tmp_path / "data", files)


def test_a_file_without_credentials_has_none() -> None:
    assert verify(png(noise(*SIZE))).state is CredentialState.NONE
    assert verify(saved(noise(*SIZE), "BMP")).state is CredentialState.NONE


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(RefusedInput, match="must be a PNG, JPEG"):
        verify(b"hello there")


def test_a_broken_manifest_is_told_in_words(tmp_path: Path, identity: Identity) -> None:
    given = signed(tmp_path, identity).read_bytes()
    broken = given[:8] + b"".join(
        chunk(kind, b"\0" * 64 if kind == b"caBX" else data) for kind, data in chunks(given)
    )
    verdict = verify(broken)
    assert verdict.state is not CredentialState.VALID


def test_a_strangers_text_is_short_and_plain(tmp_path: Path, identity: Identity) -> None:
    hostile = "<img src=x onerror=alert(1)>\n\x1b[31m" + "x" * 5000
    manifest = make_manifest([step(id=hostile)], "image/png")
    action = manifest["assertions"][0]["data"]["actions"][1]
    action["softwareAgent"] = {"name": hostile}
    source, unsigned, target = (tmp_path / name for name in ("s", "u", "t"))
    source.write_bytes(png(noise(*SIZE)))
    unsigned.write_bytes(png(noise(*SIZE)))
    sign_file(unsigned, target, manifest, Ingredient(source, "image/png"), identity)
    verdict = verify(target)
    assert verdict.state is CredentialState.VALID
    for line in verdict.edits:
        assert len(line) < 400 and line.isprintable()


def own_files(folder: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> CredentialFiles:
    """A certificate that `key` signs for itself, as files."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "me")])
    now = datetime.datetime.now(datetime.UTC)
    own = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = CredentialFiles(certificate=folder / "own.pem", key=folder / "own.key")
    files.certificate.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(pem(key))
    return files


def test_a_certificate_that_signs_itself_is_refused_in_words(tmp_path: Path) -> None:
    own = load_identity(tmp_path, own_files(tmp_path, ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(RefusedInput, match="could not be written .* Look at the certificate"):
        signed(tmp_path, own)


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    files = own_files(tmp_path, rsa.generate_private_key(65537, 1024))
    with pytest.raises(RefusedInput, match="RSA of at least 2048 bits, got another kind"):
        load_identity(tmp_path, files)
