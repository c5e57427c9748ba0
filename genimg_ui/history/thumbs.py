"""Small JPEG copies for display; never an input of anything."""

import io

from PIL import Image

THUMB_SIDE = 320  # pixels of the longer side in the gallery
_QUALITY = 82  # no visible blocks at thumbnail size, about 20 kB


def jpeg(image: Image.Image, side: int = THUMB_SIDE) -> bytes:
    """Encode a copy whose longer side is at most `side`; transparency lies on white."""
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    factor = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if "A" in small.getbands():
        paper = Image.new("RGBA", size, "white")
        small = Image.alpha_composite(paper, small.convert("RGBA"))
    buffer = io.BytesIO()
    # A grey profile would say nothing of RGB.
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    small.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, icc_profile=profile)
    return buffer.getvalue()
