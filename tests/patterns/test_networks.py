"""The networks that interpolate and swirl share; what they are made into is tested there."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.patterns.networks import (
    EncoderKind,
    NetConfig,
    PatternDecoder,
    PatternEncoder,
    dense,
    to_targets,
    to_velocities,
)

NETS = NetConfig(EncoderKind.CONV, 4, (16, 16, 16), (16, 16, 16, 16))


def test_the_paper_has_three_lstm_layers_and_four_and_five_dense_ones():
    encoder, decoder = PatternEncoder(NetConfig(), 8), PatternDecoder(NetConfig(), 4)
    assert encoder.time.num_layers == 3
    assert encoder.time.bidirectional
    counts = [
        sum(isinstance(layer, torch.nn.Linear) for layer in part.dense)
        for part in (encoder, decoder)
    ]
    assert counts == [4, 5]


def test_dense_layers_end_without_an_activation():
    layers = dense((4, 5, 6))
    assert isinstance(layers[-1], torch.nn.Linear)
    assert layers(torch.randn(7, 4)).shape == (7, 6)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=20))
def test_velocities_come_back_from_their_targets(velocities):
    wanted = torch.tensor([0.0, *velocities])
    targets = to_targets(wanted)
    assert targets[0] == 0
    assert (targets[1:] > 0.5).all()
    torch.testing.assert_close(to_velocities(torch.logit(targets)), wanted, atol=1e-5, rtol=0)


def test_whatever_the_logits_velocities_are_in_range():
    logits = torch.tensor([-1e30, -1.0, 0.0, 1.0, 1e30])
    made = to_velocities(logits.bfloat16())
    assert made.dtype == torch.float32
    assert made[:3].tolist() == [0, 0, 0]
    assert 0 < made[3] < made[4] == 1
