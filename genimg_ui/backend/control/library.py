"""controlnet-aux, imported without its warning that mediapipe, which nothing here uses, is absent.

Whatever of it is needed comes from here: the first import decides whether it warns.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import controlnet_aux
    from controlnet_aux.mlsd.utils import pred_lines
    from controlnet_aux.util import ade_palette, resize_image

__all__ = ["ade_palette", "controlnet_aux", "pred_lines", "resize_image"]
