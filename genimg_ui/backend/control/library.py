"""controlnet-aux, imported without its warnings: of mediapipe, which is not used, and of timm.

Whatever of it is needed comes from here: the first import decides whether it warns.
"""

import warnings

warnings.filterwarnings("ignore", message="The module 'mediapipe' is not installed")
warnings.filterwarnings("ignore", message="Overwriting .* in registry")  # timm's
warnings.filterwarnings("ignore", category=FutureWarning, module="controlnet_aux|timm")

import controlnet_aux  # noqa: E402 - the filters must stand before it
from controlnet_aux.mlsd.utils import pred_lines  # noqa: E402
from controlnet_aux.util import ade_palette, resize_image  # noqa: E402

__all__ = ["ade_palette", "controlnet_aux", "pred_lines", "resize_image"]
