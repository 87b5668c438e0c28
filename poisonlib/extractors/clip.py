"""The image tower of a small CLIP, made of open_clip's own transformer."""

from __future__ import annotations

from torch import Tensor, nn

from poisonlib.extractors.vit import ConvolutionalStem


class ClipTower(nn.Module):
    """open_clip's vision transformer at the scale of a laptop.

    CLIP's image tower was a residual network or a vision transformer (Radford et al., 2021,
    section 2.4); the paper on poisoning took ViT-B/32. Two changes let 5,760 photographs teach it
    faces, where CLIP had 400 million: patches come from a convolutional stem, and features are
    read off all tokens, position by position, instead of the class token alone.
    """

    def __init__(
        self,
        embedding_size: int = 128,
        *,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        per_token: int = 64,
    ) -> None:
        from open_clip.transformer import VisionTransformer

        super().__init__()
        self.visual = VisionTransformer(
            image_size=64,
            patch_size=16,
            width=width,
            layers=layers,
            heads=heads,
            mlp_ratio=3.0,
            output_dim=per_token,
            pool_type="none",
        )
        self.visual.conv1 = ConvolutionalStem(width)
        self.project = nn.Sequential(
            nn.Flatten(), nn.Linear(17 * per_token, embedding_size), nn.BatchNorm1d(embedding_size)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Features ``(n, d)`` of any length, of images ``(n, 3, 64, 64)``."""
        return self.project(self.visual(images))
