"""Tiny real models of Kandinsky 2.2: prior and inpainting decoder, saved as folders."""

from pathlib import Path

import torch
from diffusers import (
    DDPMScheduler,
    KandinskyV22InpaintPipeline,
    KandinskyV22PriorPipeline,
    PriorTransformer,
    UnCLIPScheduler,
    UNet2DConditionModel,
    VQModel,
)
from tiny_models import TEXT_TOKENS, TEXT_WIDTH, WIDTHS, clip_tokenizer, text_config
from transformers import (
    CLIPImageProcessor,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)


def make_decoder(folder: Path, *, in_channels: int = 9) -> Path:
    """The decoder that sees mask and surroundings, with its autoencoder."""
    torch.manual_seed(5)
    unet = UNet2DConditionModel(
        in_channels=in_channels,
        out_channels=8,  # noise and its variance
        addition_embed_type="image",
        encoder_hid_dim=TEXT_WIDTH,
        encoder_hid_dim_type="image_proj",
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=8,
        norm_num_groups=8,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        resnet_time_scale_shift="scale_shift",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
    ).eval()
    movq = VQModel(
        block_out_channels=(32, 32, 32, 32),  # its spatial norm has 32 groups
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        vq_embed_dim=4,
        num_vq_embeddings=12,
        norm_num_groups=8,
        norm_type="spatial",
    ).eval()
    scheduler = DDPMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        variance_type="learned_range",
        clip_sample=False,
    )
    pipe = KandinskyV22InpaintPipeline(unet=unet, scheduler=scheduler, movq=movq)
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def make_prior(folder: Path) -> Path:
    """What turns a prompt into an embedding of a picture."""
    torch.manual_seed(6)
    vision = CLIPVisionConfig(
        hidden_size=TEXT_WIDTH,
        intermediate_size=TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    pipe = KandinskyV22PriorPipeline(
        prior=PriorTransformer(
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=1,
            embedding_dim=TEXT_WIDTH,
            num_embeddings=TEXT_TOKENS,
        ).eval(),
        image_encoder=CLIPVisionModelWithProjection(vision).eval(),
        text_encoder=CLIPTextModelWithProjection(text_config()).eval(),
        tokenizer=clip_tokenizer(),
        scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            clip_sample=True,
            clip_sample_range=5.0,
        ),
        image_processor=CLIPImageProcessor(size=32, crop_size=32),
    )
    torch.nn.init.normal_(pipe.prior.clip_std, mean=1.0, std=0.1)
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder
