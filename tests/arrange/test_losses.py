import torch

from drumkit_cli.arrange.losses import paired_loss, sound_loss


def image_of(row, level):
    """A silent image with a row of some level."""
    image = torch.full((1, 1, 256, 64), -1.0)
    image[:, :, row] = level
    return image


def test_equal_images_have_no_loss():
    image = torch.rand(1, 1, 256, 64) * 2 - 1
    assert paired_loss(image, image) == 0
    assert sound_loss(image, image) == 0


def test_a_kick_counts_more_than_hiss():
    silent, kick, hiss = image_of(0, -1.0), image_of(8, 0.5), image_of(240, 0.5)
    assert paired_loss(kick, silent) > 4 * paired_loss(hiss, silent)


def test_a_missing_loud_bin_counts_more_than_a_quiet_one_too_many():
    silent, loud = image_of(100, -1.0), image_of(100, 0.8)
    with_quiet = torch.maximum(loud, image_of(150, -0.8))
    assert sound_loss(silent, loud) > 5 * sound_loss(with_quiet, loud)
    assert paired_loss(silent, loud) < 10 * paired_loss(with_quiet, loud)
