"""Parameters fitted in closed form: spectrum reading, image scale, latent distributions."""

import math

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from drumkit_cli.sounds.analyser import Analyser
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.sounds.model import CWAE, Latent
from drumkit_cli.sounds.phase_reconstruction import FULL_SCALE
from drumkit_cli.sounds.spectral_inverter import SpectralInverter, occupied_bands
from drumkit_cli.synth.data import Pool

STATISTICS_PER_CLASS = 200
SCALE_SOUNDS = 2000
READING_SOUNDS = 400
LEAST_DEVIATION = 0.02
"""Lower bound of the deviation of an image element, in levels: limits the weight of rare sounds."""


@torch.no_grad()
def fit_reading(inverter: SpectralInverter, pool: Pool, neighbours: int = 9) -> None:
    """Fit the weights from the nearest bands to the power of each bin, by least squares.

    Frames are weighted by the inverse of the power in these bands, so that relative errors count.
    """
    step = max(1, len(pool.classes) // READING_SOUNDS)
    analyser = Analyser()
    powers, targets = [], []
    places = np.arange(0, len(pool.classes), step)
    for part in np.array_split(places, max(1, len(places) // 32)):
        samples = pool.batch_samples(part)
        powers.append(analyser.power(samples).transpose(0, 1).flatten(1) / MEL.full_scale)
        spectrum = inverter.analyse(samples) / math.exp(FULL_SCALE)
        targets.append(spectrum.abs().square().transpose(0, 1).flatten(1))
    power, target = torch.cat(powers, 1), torch.cat(targets, 1)  # [F, frames], [bins, frames]
    _, occupied, centres = occupied_bands()
    hertz = np.arange(len(target)) * MEL.rate / MEL.window
    inverter.reading.zero_()
    for bin_, place in enumerate(hertz):
        near = torch.from_numpy(occupied[np.argsort(np.abs(centres - place))[:neighbours]])
        around = power[near].double()
        weight = 1 / (around.sum(0) + 1e-11)
        rows, wanted = around * weight, target[bin_].double() * weight
        squares = rows @ rows.T
        ridge = 1e-4 * squares.diagonal().mean() * torch.eye(len(near), dtype=torch.float64)
        inverter.reading[bin_, near] = torch.linalg.solve(squares + ridge, rows @ wanted).float()


def fit_scale(cwae: CWAE, pool: Pool) -> None:
    """Set mean and deviation of every image element from a pool."""
    places = np.arange(0, len(pool.classes), max(1, len(pool.classes) // SCALE_SOUNDS))
    total, squares = torch.zeros_like(cwae.mean), torch.zeros_like(cwae.mean)
    for part in np.array_split(places, max(1, len(places) // 64)):
        levels = pool.batch_levels(part)
        total += levels.sum(0)
        squares += levels.square().sum(0)
    mean = total / len(places)
    variance = (squares / len(places) - mean.square()).clamp_min(0)
    cwae.mean.copy_(mean)
    cwae.deviation.copy_(variance.sqrt().clamp_min(LEAST_DEVIATION))


@torch.no_grad()
def fit_latent(fabric: Fabric, cwae: CWAE, latent: Latent, pool: Pool) -> None:
    """Set the distribution of the codes of each class from a pool."""
    cwae.eval()
    heights = torch.linspace(0, 1, cwae.config.bins)[:, None]
    for c in np.unique(pool.classes):
        places = np.flatnonzero(pool.classes == c)[:STATISTICS_PER_CLASS]
        codes, centroids = [], []
        for part in np.array_split(places, max(1, len(places) // 50)):
            levels, classes = pool.batch_levels(part), pool.batch_classes(part)
            codes.append(cwae.encode(*fabric.to_device((levels, classes))).cpu())
            centroids.append((levels * heights).sum((1, 2)) / levels.sum((1, 2)).clamp_min(1e-6))
        _fit_class(latent, int(c), torch.cat(codes), torch.cat(centroids))


def _fit_class(latent: Latent, c: int, codes: Tensor, centroids: Tensor) -> None:
    """Set the Gaussian of codes ``[n, Z]`` of a class, with components signed by brightness.

    Brightness is the spectral centroid ``[n]``.
    """
    mean = codes.mean(0)
    centred = codes - mean
    covariance = centred.T @ centred / max(len(codes) - 1, 1)
    variances, vectors = torch.linalg.eigh(covariance)
    components = vectors.T.flip(0)  # [Z, Z]
    brightness = (centroids - centroids.mean()) / centroids.std().clamp_min(1e-6)
    towards = centred.T @ brightness / len(codes)
    components = components * torch.where(components @ towards < 0, -1.0, 1.0)[:, None]
    latent.mean[c] = mean
    latent.components[c] = components
    latent.scale[c] = variances.flip(0).clamp_min(0).sqrt()
    latent.brighter[c] = towards
