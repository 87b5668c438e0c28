"""The loss of CLIP: a photograph and its own caption should find each other in a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Contrastive(nn.Module):
    """Symmetric cross-entropy between photographs and captions, with a text tower of its own.

    Tokeniser, text transformer and loss are open_clip's. Every sample draws one of its person's
    captions; logits are cosines times a learnt scale that starts at 1 / 0.07 and is held below 100
    (Radford et al., "Learning transferable visual models from natural language supervision", 2021,
    section 2.3 to 2.5 and figure 3). As there, two photographs of one person in a batch count as
    strangers; with many more people than a batch holds this is rare.

    The vocabulary is cut down to the tokens that occur in the captions. Their order is kept, so
    that the end of a text is still the largest token, where the tower reads it off.

    Args:
        embedding_size: d of the image features.
        identities: how many people.
        captions: for each person, in the order of the labels, at least one caption.
        context_length: tokens that a caption is cut to.
        width, layers, heads: of the text transformer; width is a multiple of heads.
        seed: of the draw of captions. Which one is drawn depends on the seed and on how many
            batches went before, a number that is kept in the state.

    Raises:
        ValueError: not one list of captions for each person, or one of them is empty.

    Example:
        >>> import torch
        >>> from studio.training.contrastive import Contrastive
        >>> captions = [["a man with a beard"], ["a woman with glasses", "a woman"]]
        >>> head = Contrastive(8, 2, captions=captions)
        >>> head(torch.randn(4, 8), torch.tensor([0, 1, 1, 0])).shape
        torch.Size([])
    """

    tokens: Tensor
    first: Tensor
    count: Tensor
    batches: Tensor

    def __init__(
        self,
        embedding_size: int,
        identities: int,
        *,
        captions: Sequence[Sequence[str]],
        context_length: int = 24,
        width: int = 64,
        layers: int = 2,
        heads: int = 2,
        seed: int = 0,
    ) -> None:
        from open_clip.loss import ClipLoss
        from open_clip.tokenizer import tokenize
        from open_clip.transformer import TextTransformer

        super().__init__()
        if len(captions) != identities:
            raise ValueError(
                f"captions must hold one list for each of {identities} people, got {len(captions)}"
            )
        counts = torch.tensor([len(texts) for texts in captions])
        if isinstance(captions[0], str) or int(counts.min()) < 1:
            raise ValueError("every person needs a list of at least one caption")
        texts = [text for own in captions for text in own]
        tokens = tokenize(texts, context_length=context_length)
        vocabulary = tokens.unique()
        self.register_buffer("tokens", torch.searchsorted(vocabulary, tokens))
        self.register_buffer("first", counts.cumsum(0) - counts)
        self.register_buffer("count", counts)
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self.seed = seed
        self.text = TextTransformer(
            context_length=context_length,
            vocab_size=len(vocabulary),
            width=width,
            heads=heads,
            layers=layers,
            output_dim=embedding_size,
        )
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.contrast = ClipLoss()

    def draw(self, labels: Tensor) -> Tensor:
        """The next draw: tokens ``(n, context_length)`` of a caption for each label ``(n,)``."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + int(self.batches))
        self.batches += 1
        share = torch.rand(len(labels), generator=generator).to(labels.device)
        return self.tokens[self.first[labels] + (share * self.count[labels]).long()]

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of features ``(n, d)`` of any length with labels ``(n,)``."""
        written = self.text(self.draw(labels))
        scale = self.logit_scale.clamp(max=math.log(100)).exp()
        return self.contrast(F.normalize(features), F.normalize(written), scale)
