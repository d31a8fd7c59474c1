import json
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from torch import nn

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from drumkit_cli.learning.torch_network import building, load_network, state_dict
from drumkit_cli.train.convert import DEFINITIONS


def tower(depth, width):
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))


def toy_checkpoint(folder, **config):
    path = folder / "toy.safetensors"
    state = tower(2, 4).state_dict()
    save_weights(path, state, feature="toy", config={"depth": 2, "width": 4, **config}, card={})
    return load_weights("toy", str(path))


def restore(loaded):
    with building(loaded):
        network = tower(**loaded.config)
        network.load_state_dict(state_dict(loaded))
    return network


def test_a_network_is_built_and_filled(tmp_path):
    loaded = toy_checkpoint(tmp_path)
    assert torch.equal(restore(loaded)[1].weight, state_dict(loaded)["1.weight"])


@pytest.mark.parametrize("size", [10**5, 10**9, 10**30, 1e300, float("nan"), -3, None, "4", [4]])
@pytest.mark.parametrize("name", ["depth", "width"])
def test_absurd_sizes_are_refused_before_their_memory_is_used(tmp_path, name, size):
    loaded = toy_checkpoint(tmp_path, **{name: size})
    with pytest.raises(BadDataError, match="weights of another toy"):
        restore(loaded)


def test_a_refused_network_does_not_bound_the_next_one(tmp_path):
    with pytest.raises(BadDataError):
        restore(toy_checkpoint(tmp_path, depth=1000))
    assert len(tower(200, 4)) == 200


def sizes_of(config, path=()):
    """The places of all whole numbers in a config."""
    if isinstance(config, dict | list):
        items = config.items() if isinstance(config, dict) else enumerate(config)
        for key, value in items:
            yield from sizes_of(value, (*path, key))
    elif isinstance(config, int) and not isinstance(config, bool):
        yield path


@pytest.mark.parametrize("feature", DEFINITIONS)
def test_shipped_networks_are_refused_for_any_absurd_size(feature):
    definition = import_module(DEFINITIONS[feature])
    loaded = load_weights(feature)
    places = list(sizes_of(loaded.config))
    assert places
    for path in places:
        config = json.loads(json.dumps(loaded.config))
        holder = config
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = 10**9
        with pytest.raises(BadDataError, match=f"weights of another {feature}"):
            load_network(replace(loaded, config=config), definition)
