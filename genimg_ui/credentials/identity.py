"""Who signs: a certificate and its key, configured, or a test one made on first use.

A test certificate says so in its own name and proves nothing about a person; what it proves is
that a file has not changed since this installation signed it. C2PA takes no self-signed signing
certificate, so a test authority is made beside it, whose key is thrown away at once.
"""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from genimg_ui.errors import RefusedInput
from genimg_ui.history.files import make_folder, write_whole
from genimg_ui.history.locks import locked_path

TEST_NAME = "genimg_ui test certificate (not trusted)"
TEST_ORGANISATION = "genimg_ui test, no verified identity"
TEST_YEARS = 10
_KEY_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFiles:
    """A certificate chain (PEM, the signer's first) and its private key (PEM, no password)."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What signs. `algorithm` is C2PA's name; `test` whether the certificate is a test one."""

    chain: bytes
    key: bytes
    algorithm: str
    test: bool


def load_identity(data_dir: Path, files: CredentialFiles | None) -> Identity:
    """The configured identity, or this data folder's test one; raises RefusedInput."""
    if files is not None:
        return _read(_content(files.certificate), _content(files.key), test=False)
    folder = make_folder(data_dir / "credentials")
    chain, key = folder / "test_certificate.pem", folder / "test_key.pem"
    with locked_path(data_dir / "genimg.lock"):  # two starts must not make two
        if not chain.exists() or not key.exists():
            made = _make_test_pair()
            write_whole(key, made[1], "the test key")
            write_whole(chain, made[0], "the test certificate")
    return _read(_content(chain), _content(key), test=True)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RefusedInput(
            f"The certificate and key of the content credentials must be readable files, "
            f"got {path.name} ({error.strerror}).",
            remedy="Correct --credential-cert and --credential-key.",
        ) from error


def _read(chain: bytes, key: bytes, *, test: bool) -> Identity:
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise RefusedInput(
            "The content credentials need a PEM certificate chain and a PEM key without password, "
            f"got something else ({str(error)[:120]})."
        ) from error
    if private.public_key() != certificate.public_key():
        raise RefusedInput(
            "The key of the content credentials must be that of the first certificate, got another."
        )
    plain = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Identity(chain=chain, key=plain, algorithm=_algorithm(private), test=test)


def _algorithm(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise RefusedInput(
        "The key of the content credentials must be P-256, P-384, P-521, Ed25519 or RSA of at "
        "least 2048 bits, got another kind."
    )


def _make_test_pair() -> tuple[bytes, bytes]:
    """A certificate chain and the signer's key, both PEM."""
    authority, signer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = (
        _certificate(f"{TEST_NAME}: authority", authority.public_key(), authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    )
    leaf = (
        _certificate(TEST_NAME, signer.public_key(), authority)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
    )
    signed = [builder.sign(authority, hashes.SHA256()) for builder in (leaf, root)]
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in signed)
    key = signer.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return chain, key


def _certificate(
    name: str, key: ec.EllipticCurvePublicKey, authority: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(f"{TEST_NAME}: authority"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * TEST_YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
    )


def _named(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, TEST_ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use in allowed for use in _KEY_USES})
