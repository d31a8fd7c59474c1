from drumkit_cli.midi.drum_maps import drum_name


def test_a_drum_has_a_name_whatever_its_pitch():
    assert drum_name(36) == "Bass Drum 1"
    assert drum_name(22) == "HH Closed (Edge)"
    assert drum_name(17) == "Drum 17"
