"""Images drawn anew: the pixels stay, everything else goes."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageCms, ImageOps

from tasks.cleaning.bounds import JPEG, MAX_PIXELS, PNG, WEBP, Cleaned, NotClean

FORMATS = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP"}
# Close enough to the original that nobody sees a difference; PNG loses nothing at all.
OPTIONS: dict[str, dict[str, Any]] = {
    PNG: {},
    JPEG: {"quality": 95, "subsampling": 0},
    WEBP: {"quality": 95, "exact": True},
}

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def clean_image(raw: bytes, media_type: str) -> Cleaned:
    """Return the image upright, in sRGB, without metadata; refuse a flood of pixels, a film, or a torn file."""
    try:
        with Image.open(io.BytesIO(raw), formats=(FORMATS[media_type],)) as image:
            _check(image)
            image.load()
            drawn = _bare(ImageOps.exif_transpose(_in_srgb(image)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _flood() from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise NotClean("unreadable_image", "This image cannot be read. Save it anew and try again.") from None
    out = io.BytesIO()
    drawn.save(out, FORMATS[media_type], **OPTIONS[media_type])
    return Cleaned(media_type, out.getvalue(), width=drawn.width, height=drawn.height)


def _check(image: Image.Image) -> None:
    """Judge the header, before any pixel is unpacked."""
    if image.width * image.height > MAX_PIXELS:
        raise _flood()
    if getattr(image, "n_frames", 1) > 1:
        raise NotClean("animated_image", "Moving images are not taken. Save the one frame that matters.")


def _flood() -> NotClean:
    return NotClean("too_many_pixels", f"An image has at most {MAX_PIXELS:,} pixels. Make it smaller.")


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return the image with the colours that its profile meant, as the profile itself does not stay."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK"}:
        return image
    orientation = image.getexif()
    try:
        with io.BytesIO(profile) as source:
            mode = "RGB" if image.mode == "CMYK" else image.mode
            drawn = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        return image  # A broken profile: shown as it would be without one.
    assert drawn is not None  # Only a conversion in place returns nothing.
    drawn.info["exif"] = orientation.tobytes()
    return drawn


def _bare(image: Image.Image) -> Image.Image:
    """Return a copy that knows nothing but its pixels and which of them are seen through."""
    bare = image.copy()
    bare.info = {name: bare.info[name] for name in ("transparency",) if name in bare.info}
    bare.getexif().clear()
    return bare
