"""How well a picture fits its prompt: CLIPScore."""

from pathlib import Path

import torch
from PIL import Image
from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

from genimg_ui.evaluation.metrics.base import Pair, Score, Undefined


class ClipScore:
    """CLIPScore (Hessel et al. 2021) in [0, 100]: 100 times the cosine, at least 0.

    The paper multiplies by 2.5 instead of 100, and torchmetrics by 100 as here. `folder` holds
    model, tokenizer and image processor; raises OSError or ValueError where one is missing.
    """

    def __init__(self, folder: Path) -> None:
        options = {"local_files_only": True}
        self._model = CLIPModel.from_pretrained(folder, **options).eval()
        self._words = CLIPTokenizer.from_pretrained(folder, **options)
        self._pixels = CLIPImageProcessor.from_pretrained(folder, **options)

    def __call__(self, pair: Pair) -> dict[str, Score]:
        """The score of the whole result; words beyond CLIP's limit are left out by its rule."""
        name = "clip_score"
        if not pair.prompt.strip():
            return {name: Undefined(name, "The case has no prompt.")}
        length = self._model.config.text_config.max_position_embeddings
        words = self._words(pair.prompt, truncation=True, max_length=length, return_tensors="pt")
        pixels = self._pixels(images=Image.fromarray(pair.result), return_tensors="pt")
        with torch.inference_mode():
            found = self._model(
                input_ids=words["input_ids"],
                attention_mask=words["attention_mask"],
                pixel_values=pixels["pixel_values"],
            )
        cosine = torch.nn.functional.cosine_similarity(found.image_embeds, found.text_embeds)
        return {name: max(0.0, 100 * float(cosine))}
