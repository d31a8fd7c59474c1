from drumkit_cli.midi.drum_maps import GROOVE_VOICES, ROLAND_DRUMS, drum_name


def test_every_roland_pad_folds_into_one_of_nine_voices_that_folds_into_itself():
    assert set(GROOVE_VOICES) == set(ROLAND_DRUMS)
    assert set(GROOVE_VOICES.values()) == {36, 38, 42, 43, 46, 47, 49, 50, 51}
    assert all(GROOVE_VOICES[voice] == voice for voice in GROOVE_VOICES.values())


def test_a_drum_has_a_name_whatever_its_pitch():
    assert drum_name(36) == "Bass Drum 1"
    assert drum_name(22) == "HH Closed (Edge)"
    assert drum_name(17) == "Drum 17"
