"""Losses of the networks: maximum mean discrepancy to the prior, and spectral distances."""

import torch
from torch import Tensor

from drumkit_cli.sounds.analyser import to_levels

KERNEL_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def mmd(codes: Tensor, prior: Tensor) -> Tensor:
    """Maximum mean discrepancy of codes ``[K, n, Z]`` and prior samples ``[K, m, Z]``, mean over K.

    The unbiased estimator (Eq. 3), which may be slightly negative, with inverse multiquadratics
    kernels of seven scales as in I. Tolstikhin et al., "Wasserstein auto-encoders" (2018).
    """
    n, m = codes.shape[1], prior.shape[1]
    within = _kernel(codes, codes)
    among = _kernel(prior, prior)
    within = (within.sum((1, 2)) - within.diagonal(dim1=1, dim2=2).sum(1)) / (n * (n - 1))
    among = (among.sum((1, 2)) - among.diagonal(dim1=1, dim2=2).sum(1)) / (m * (m - 1))
    across = _kernel(codes, prior).mean((1, 2))
    return torch.mean(within + among - 2 * across)


def spectral_convergence(real: Tensor, made: Tensor) -> Tensor:
    """Spectral convergence (Eq. 11) of mel powers ``[B, F, T]``: relative error of magnitudes."""
    first, second = (power.clamp_min(1e-9).sqrt() for power in (real, made))
    distance = torch.linalg.vector_norm(first - second, dim=(1, 2))
    size = torch.linalg.vector_norm(first, dim=(1, 2)).clamp_min(1e-6)
    return torch.mean(distance / size)


def log_distance(real: Tensor, made: Tensor) -> Tensor:
    """Relative L1 distance of the levels (Eq. 12) of mel powers ``[B, F, T]``.

    The paper takes logarithms of magnitudes, the norm of which depends on the scale of the samples;
    levels are zero at the floor.
    """
    first, second = to_levels(real), to_levels(made)
    distance = (first - second).abs().sum((1, 2))
    return (distance / first.sum((1, 2)).clamp_min(1.0)).mean()


def phase_distance(real: Tensor, made: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of 1 - cos of the difference of phases; all arguments have one shape."""
    return torch.sum(weight * (1 - torch.cos(real - made))) / weight.sum().clamp_min(1e-6)


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """Kernel values ``[K, n, m]`` of ``[K, n, Z]`` and ``[K, m, Z]``."""
    square = (a[:, :, None] - b[:, None]).square().sum(-1)
    wide = 2.0 * a.shape[-1]
    return torch.stack([scale * wide / (scale * wide + square) for scale in KERNEL_SCALES]).sum(0)
