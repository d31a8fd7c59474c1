import json
from dataclasses import asdict, replace

import pytest

from drumkit_cli.arrange.model import ModelConfig as ArrangerConfig
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.interpolate.model import ModelConfig
from drumkit_cli.learning.configs import restore
from drumkit_cli.patterns.networks import EncoderKind, NetConfig
from drumkit_cli.separate.config import SeparatorConfig
from drumkit_cli.sounds.config import InverterConfig
from drumkit_cli.sounds.config import ModelConfig as SynthConfig
from drumkit_cli.sounds.mcnn import MCNNConfig

NETS = NetConfig(EncoderKind.CONV, 4, (16, 16, 16), (16, 16, 16, 16))


@pytest.mark.parametrize(
    "config",
    [
        ArrangerConfig(context=True),
        GrooveConfig(trunk="conv", prior_dropout=0.1),
        ModelConfig(4, NETS),
        SeparatorConfig(("drums", "rest"), growth=2.0),
        MCNNConfig(heads=3),
        SynthConfig(latent=8),
        InverterConfig(corrections=0),
    ],
    ids=lambda config: type(config).__module__,
)
def test_a_config_survives_json(config):
    assert restore(type(config), json.loads(json.dumps(asdict(config)))) == config


def test_what_is_left_out_has_its_default():
    assert restore(GrooveConfig, {"width": 8}) == replace(GrooveConfig(), width=8)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ArrangerConfig, {"width": 4.5}),
        (ArrangerConfig, {"blocks": True}),
        (ArrangerConfig, {"context": "yes"}),
        (ArrangerConfig, {"depth": 3}),
        (GrooveConfig, {"trunk": "transformer"}),
        (ModelConfig, {"nets": []}),
        (NetConfig, {"encoder": "transformer"}),
        (NetConfig, {"encoder_dense": [1, 2]}),
        (NetConfig, {"hidden": "x"}),
        (SeparatorConfig, {"rate": 0}),
        (SeparatorConfig, {"segment_seconds": 10**6}),
        (SeparatorConfig, {"sources": [1, 2]}),
        (InverterConfig, {"refinements": 10**6}),
        (MCNNConfig, {"channels": None}),
    ],
)
def test_a_config_of_something_else_is_refused(kind, values):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        restore(kind, values)
