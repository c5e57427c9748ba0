"""CLIPScore with a tiny CLIP model on disk, against its parts put together by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from genimg_ui.evaluation.metrics.base import Pair, Undefined
from genimg_ui.evaluation.metrics.text import ClipScore
from tests.backend.tiny_models import clip_tokenizer, text_config
from tests.evaluation.metrics.made_pairs import picture

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip")
    torch.manual_seed(1)
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 2, "image_size": 32, "patch_size": 16}
    config = CLIPConfig(
        text_config=text_config().to_dict(), vision_config=vision, projection_dim=16
    )
    CLIPModel(config).eval().save_pretrained(path)
    clip_tokenizer().save_pretrained(path)
    size = {"height": 32, "width": 32}
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size).save_pretrained(path)
    return path


def _pair(prompt: str, seed: int = 0) -> Pair:
    result = picture(48, 64, seed)
    mask = np.full((48, 64), 255, np.uint8)
    return Pair(result=result, original=np.zeros_like(result), mask=mask, prompt=prompt)


def test_is_a_hundred_times_the_cosine(folder: Path) -> None:
    score = ClipScore(folder)
    model = CLIPModel.from_pretrained(folder).eval()
    for seed, prompt in enumerate(("a red ring", "blue", "a red circle")):
        one = _pair(prompt, seed)
        pixels = CLIPImageProcessor.from_pretrained(folder)(
            images=Image.fromarray(one.result), return_tensors="pt"
        )["pixel_values"]
        words = clip_tokenizer()(prompt, return_tensors="pt")
        with torch.no_grad():
            image = model.visual_projection(model.vision_model(pixels).pooler_output)[0]
            text = model.text_projection(model.text_model(**words).pooler_output)[0]
        cosine = float(image @ text / image.norm() / text.norm())
        assert abs(cosine) > 0.01
        found = []
        for _ in range(2):  # the second time with the opposite sign: one of both is above 0
            found.append(score(one)["clip_score"])
            with torch.no_grad():
                score._model.text_projection.weight.neg_()
        assert found == pytest.approx([max(0, 100 * cosine), max(0, -100 * cosine)], abs=1e-4)


def test_long_prompts_are_cut_and_empty_ones_have_no_score(folder: Path) -> None:
    score = ClipScore(folder)
    assert isinstance(score(_pair("red ring " * 200))["clip_score"], float)
    assert score(_pair(" "))["clip_score"] == Undefined("clip_score", "The case has no prompt.")
