"""Hyperparameters of a training run, and the presets.

`paper` has the paper's sizes, batches and inverter; the other differences that `sounds.model` and
`synth.train` list apply to it too.
"""

from dataclasses import dataclass, replace
from typing import Any

from drumkit_cli.sounds.config import InverterConfig, ModelConfig
from drumkit_cli.sounds.mcnn import MCNNConfig


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        parts: networks that are trained one after the other: inverter, cwae or mcnn.
        shares: share of the time limit at which the training of each network ends.
        model: sizes of the autoencoder.
        inverter: sizes of the default inverter.
        mcnn: sizes of the paper's inverter.
        pool: sounds of each class in the pool.
        per_class: sounds of each class in a batch of the autoencoder.
        batch: sounds in a batch of an inverter.
        mmd_weight: beta, weight of the MMD relative to the mean squared error of an element.
        spread_weight: weight of the loss of the decoder's expected absolute error.
    """

    parts: tuple[str, ...] = ("inverter", "cwae")
    shares: tuple[float, ...] = (0.4, 1.0)
    model: ModelConfig = ModelConfig()  # noqa: RUF009 - frozen
    inverter: InverterConfig = InverterConfig()  # noqa: RUF009 - frozen
    mcnn: MCNNConfig = MCNNConfig()  # noqa: RUF009 - frozen
    pool: int = 1500
    per_class: int = 8
    batch: int = 16
    mmd_weight: float = 10.0
    spread_weight: float = 0.2


_WIDE = Recipe(
    model=ModelConfig(channels=(32, 64, 64), dense=(1024, 512)),
    inverter=InverterConfig(channels=32),
    mcnn=MCNNConfig(channels=(128, 64, 32, 16, 8, 4, 2, 2)),
    pool=3000,
    per_class=64,
    batch=128,
)
_TINY = Recipe(
    model=ModelConfig(channels=(4, 4, 4), dense=(16, 16), latent=8),
    inverter=InverterConfig(channels=4, refinements=1),
    mcnn=MCNNConfig(heads=2, channels=(4, 4, 4, 4, 4, 4, 2, 2)),
    pool=6,
    per_class=4,
    batch=4,
)
_ALONE: dict[str, Any] = {"shares": (1.0,)}
PRESETS = {
    "cpu": Recipe(),
    "inverter": Recipe(parts=("inverter",), **_ALONE),
    "cwae": Recipe(parts=("cwae",), **_ALONE),
    "mcnn": Recipe(parts=("mcnn",), **_ALONE),
    "gpu": _WIDE,
    "gpu-mcnn": replace(_WIDE, parts=("mcnn",), **_ALONE),
    "paper": replace(
        _WIDE,
        parts=("mcnn", "cwae"),
        shares=(0.4, 1.0),
        inverter=InverterConfig(),
        spread_weight=0.0,
    ),
    "tiny": _TINY,
    "tiny-cwae": replace(_TINY, parts=("cwae",), **_ALONE),
    "tiny-mcnn": replace(_TINY, parts=("mcnn",), **_ALONE),
}
