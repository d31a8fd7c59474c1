"""The prior over NOTE's codes, given a genre and a template (3.4.4)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.layers import Trunk
from drumkit_cli.groove.network.windowing import BEAT_STEPS, GENRES, VOICES


class CodePrior(nn.Module):
    """Autoregressive prior over codes: a GRU of two layers over beats (3.4.4).

    Within a beat, the code of each stage is predicted from the GRU's state and the stages before.
    """

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        width = config.prior_width
        self.stages, self.width = config.stages, width
        self.template: Trunk | None = None
        if config.prior_template:
            self.template = Trunk(config, len(VOICES), width // 2, len(GENRES))
            self.beat = nn.Linear(BEAT_STEPS * (width // 2), width)
        self.genre = nn.Linear(len(GENRES), 2 * width)
        self.start = nn.Parameter(torch.zeros(width))
        self.embeddings = nn.ModuleList(
            [nn.Embedding(config.codebook, width) for _ in range(config.stages)]
        )
        self.dropout = nn.Dropout(config.prior_dropout)
        self.gru = nn.GRU(
            width, width, num_layers=2, batch_first=True, dropout=config.prior_dropout
        )
        self.heads = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, config.codebook))
                for _ in range(config.stages)
            ]
        )

    def forward(self, codes: Tensor, genre: Tensor, template: Tensor) -> Tensor:
        """Logits ``[B, S, R, K]`` of each code, given all codes before it.

        Args:
            codes: codes, ``[B, S, R]``.
            genre: one-hot, ``[B, 6]``.
            template: template, ``[B, T, V]``.
        """
        embedded = self.embed(codes)  # [B, S, R, C]
        before = embedded.sum(2)[:, :-1]
        first = self.start.expand(codes.shape[0], 1, -1)
        x = torch.cat([first, before], 1) + self.read(genre, template)
        x, _ = self.gru(self.dropout(x), self.begin(genre))
        within = F.pad(embedded.cumsum(2), (0, 0, 1, 0))[:, :, :-1]  # the stages before
        return torch.stack(
            [head(x + within[:, :, r]) for r, head in enumerate(self.heads)], 2
        ).float()

    def embed(self, codes: Tensor) -> Tensor:
        """Embeddings ``[B, S, R, C]`` of codes ``[B, S, R]``."""
        found = [table(codes[..., r]) for r, table in enumerate(self.embeddings)]
        return torch.stack(found, -2)

    def read(self, genre: Tensor, template: Tensor) -> Tensor:
        """Encode a template for each beat, ``[B, S, C]``; 0 for a prior without templates."""
        if self.template is None:
            return template.new_zeros(
                template.shape[0], template.shape[1] // BEAT_STEPS, self.width
            )
        x = self.template(template, genre)
        beats: Tensor = self.beat(x.unflatten(1, (-1, BEAT_STEPS)).flatten(2))
        return beats

    def start_window(
        self, codes: Tensor, templates: Tensor, genre: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Outputs ``[B, C]`` at the beat after known ones, and the states ``[2, B, C]`` of the GRU.

        Args:
            codes: codes of the known beats, ``[B, s, R]``.
            templates: templates as `read` encodes them, ``[B, S, C]``.
            genre: one-hot, ``[B, 6]``.
        """
        first = self.start.expand(codes.shape[0], 1, -1)
        before = torch.cat([first, self.embed(codes).sum(2)], 1)
        x, state = self.gru(before + templates[:, : before.shape[1]], self.begin(genre))
        return x[:, -1], state

    def next_beat(self, codes: Tensor, template: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and states as `start_window`, after codes ``[B, R]`` and states ``[2, B, C]``."""
        x, state = self.gru((self.embed(codes).sum(1) + template)[:, None], state)
        return x[:, 0], state

    def stage_logits(self, x: Tensor, codes: Tensor, stage: Tensor) -> Tensor:
        """Logits ``[B, K]`` of a stage, an index ``[1]``, given the codes ``[B, R]`` before it."""
        is_before = torch.arange(self.stages)[None, :, None] < stage
        x = x + torch.where(is_before, self.embed(codes), 0.0).sum(1)
        for layer in range(3):
            if layer == 1:
                x = F.gelu(x)
                continue
            places = [head[layer] for head in self.heads]  # type: ignore[index]
            weight = torch.stack([place.weight for place in places]).index_select(0, stage)[0]
            bias = torch.stack([place.bias for place in places]).index_select(0, stage)[0]
            x = x @ weight.mT + bias
        return x

    def begin(self, genre: Tensor) -> Tensor:
        """Initial state of the GRU, ``[2, B, C]``."""
        state = torch.tanh(self.genre(genre)).unflatten(1, (2, self.width))
        first: Tensor = state.transpose(0, 1).contiguous()
        return first
