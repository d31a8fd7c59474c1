"""Mel bins folded into channels, and planes of their heights."""

import torch
from torch import Tensor


def with_heights(image: Tensor) -> Tensor:
    """``[B, 1, F, T]`` and a plane of the height of each bin, -1..1: ``[B, 2, F, T]``."""
    heights = torch.linspace(-1, 1, image.shape[2], device=image.device, dtype=image.dtype)
    return torch.cat([image, heights[None, None, :, None].expand_as(image)], 1)


def fold_bins(image: Tensor, fold: int) -> Tensor:
    """``[B, C, F, T]`` to ``[B, C * fold, F / fold, T]``."""
    batch, channels, bins, frames = image.shape
    folded = image.reshape(batch, channels, bins // fold, fold, frames)
    return folded.transpose(2, 3).reshape(batch, channels * fold, bins // fold, frames)


def unfold_bins(image: Tensor, fold: int) -> Tensor:
    """``[B, fold, F / fold, T]`` to ``[B, 1, F, T]``."""
    batch, _, bins, frames = image.shape
    return image.transpose(1, 2).reshape(batch, 1, bins * fold, frames)
