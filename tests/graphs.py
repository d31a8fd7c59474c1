"""Graphs for the tiny weights of the tests, exported once a process."""

from drumkit_cli.learning.export import untrained_graphs


def graphs_of(definition, config):
    """Graphs that fit any weights of a config, a dataclass."""
    return untrained_graphs(config, definition)
