"""Signs a file with c2pa-python, offline: no timestamp server, nothing fetched."""

from pathlib import Path

import c2pa

from genimg_ui.credentials.identity import Identity
from genimg_ui.credentials.manifest import Ingredient, Json, make_ingredient
from genimg_ui.errors import RefusedInput

# No thumbnails: one of the source would show what an edit removed. Nothing is asked of a network.
SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
ALGORITHMS = {
    "es256": c2pa.C2paSigningAlg.ES256,
    "es384": c2pa.C2paSigningAlg.ES384,
    "es512": c2pa.C2paSigningAlg.ES512,
    "ps256": c2pa.C2paSigningAlg.PS256,
    "ed25519": c2pa.C2paSigningAlg.ED25519,
}


def sign_file(
    unsigned: Path,
    signed: Path,
    manifest: Json,
    source: Ingredient,
    identity: Identity,
) -> None:
    """Copy `unsigned` to `signed` with `manifest`; `source` is its ingredient.

    A manifest that the source has itself is kept within. Raises RefusedInput where the
    certificate is not one that C2PA takes.
    """
    try:
        with c2pa.Context.from_dict(SETTINGS) as context:
            builder = c2pa.Builder.from_json(manifest, context=context)
            with source.path.open("rb") as file:
                builder.add_ingredient(make_ingredient(source), source.media_type, file)
            signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(
                    alg=ALGORITHMS[identity.algorithm],
                    sign_cert=identity.chain,
                    private_key=identity.key,
                    ta_url=None,
                )
            )
            with unsigned.open("rb") as before, signed.open("w+b") as after:
                builder.sign(signer, manifest["format"], before, after)
    except c2pa.C2paError as error:
        detail = " ".join(str(error).split())[:200]
        raise RefusedInput(
            f"The content credentials could not be written ({detail}).",
            remedy="Look at the certificate, or write the file without credentials.",
        ) from error
