import json

import numpy as np

from drumkit_cli.listening.hits import Hit
from drumkit_cli.transcribe.texts import beat_text, json_text

BEATS = np.array([[0.5, 1], [1.0, 2], [1.5, 3], [2.0, 1]])


def test_beats_are_lines_that_mir_eval_reads(tmp_path):
    assert beat_text(BEATS).splitlines()[:2] == ["0.500\t1", "1.000\t2"]
    assert beat_text(np.zeros((0, 2))) == ""


def test_json_has_hits_beats_tempo_and_meter():
    value = json.loads(json_text("a.wav", [Hit(0.1234, 2, 0.56789, 0.9)], BEATS, 2.5))
    assert value["hits"] == [[0.123, "closed hat", 0.568]]
    assert value["beats"][0] == [0.5, 1]
    assert (value["tempo_bpm"], value["meter"], value["seconds"]) == (120, 3, 2.5)


def test_json_of_three_voices_calls_hats_hats():
    value = json.loads(json_text("a.wav", [Hit(0.1, 2, 0.5, 0.9)], BEATS, 2.5, voices=3))
    assert value["hits"] == [[0.1, "hat", 0.5]]


def test_json_without_beats_has_no_tempo():
    value = json.loads(json_text("a.wav", [], np.zeros((0, 2)), 1.0))
    assert (value["tempo_bpm"], value["meter"], value["hits"]) == (None, None, [])
