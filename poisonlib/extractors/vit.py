"""A small vision transformer for faces."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvolutionalStem(nn.Sequential):
    """Images ``(n, 3, s, s)`` to patches ``(n, width, s / 16, s / 16)`` by four convolutions.

    In place of one linear map of each 16 x 16 patch, which learns slowly from few pictures (Xiao
    et al., "Early convolutions help transformers see better", NeurIPS 2021, section 4).
    """

    def __init__(self, width: int) -> None:
        layers: list[nn.Module] = []
        channels = (3, 32, 48, 64)
        for inputs, outputs in zip(channels, channels[1:], strict=False):
            layers.append(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False))
            layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Conv2d(channels[-1], width, 3, stride=2, padding=1))


class TransformerBlock(nn.Module):
    """Self-attention, then a perceptron of two layers; each sees normalised tokens and is added.

    The block of Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, equations 2 and 3.
    """

    def __init__(self, width: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.heads = heads
        self.normalise = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mix_heads = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Linear(expansion * width, width),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens ``(n, t, width)`` to tokens of the same shape."""
        parts = self.query_key_value(self.normalise(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (n, heads, t, width / heads)
        attended = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.mix_heads(attended.transpose(1, 2).flatten(2))
        return tokens + self.perceptron(tokens)


class SmallViT(nn.Module):
    """A vision transformer that recognises faces, as in the 2020s.

    A convolutional stem makes 4 x 4 tokens of a 64-pixel image, transformer blocks mix them, and a
    linear layer reads all of them at once, position by position, instead of one class token: the
    output that face recognition took over from its convolutional networks (the ViT of An et al.'s
    InsightFace, on which LVFace, You et al., ICCV 2025, builds).
    """

    def __init__(
        self,
        embedding_size: int = 128,
        *,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        expansion: int = 3,
        per_token: int = 64,
    ) -> None:
        super().__init__()
        self.stem = ConvolutionalStem(width)
        self.positions = nn.Parameter(0.02 * torch.randn(1, 16, width))
        self.blocks = nn.Sequential(
            *(TransformerBlock(width, heads, expansion) for _ in range(depth))
        )
        self.output = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, per_token),
            nn.Flatten(),
            nn.Linear(16 * per_token, embedding_size),
            nn.BatchNorm1d(embedding_size),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Features ``(n, d)`` of any length, of images ``(n, 3, 64, 64)``."""
        tokens = self.stem(images).flatten(2).transpose(1, 2) + self.positions
        return self.output(self.blocks(tokens))
