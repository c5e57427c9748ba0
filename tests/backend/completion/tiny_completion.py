"""Small completion networks, trained for a few steps on made pictures, as folders of the app."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from genimg_ui.backend.completion.weights import NetworkConfig, build, save

__all__ = ["NetworkConfig", "load_file", "make_completion", "save_file", "torch"]


def make_completion(folder: Path, config: NetworkConfig, steps: int = 6) -> None:
    """Gradients of colour with a square hole; enough steps that all layers take part."""
    torch.manual_seed(0)
    network = build(config).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    ramp = torch.linspace(0, 1, 32)
    hole = torch.zeros(4, 1, 32, 32)
    hole[..., 8:24, 10:22] = 1
    for step in range(steps):
        turned = [torch.rot90(ramp.expand(3, 32, 32), step + n, (1, 2)) for n in range(4)]
        image = torch.stack(turned) * torch.rand(4, 3, 1, 1)
        loss = ((network(image, hole) - image) * hole).square().mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    save(network, config, folder)
