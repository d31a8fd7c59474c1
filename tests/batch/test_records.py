from drumkit_cli.batch.records import named_files


def test_files_are_found_in_every_form_of_a_parameter(tmp_path):
    for name in ("a", "b", "c", "kit/d", "other/e"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    parameters = {
        "like": f"{tmp_path}/a",
        "voice": [f"kick={tmp_path}/b,{tmp_path}/c", "snare=none"],
        "kit": f"{tmp_path}/kit",
        "plot": f"{tmp_path}/other",
        "output": f"{tmp_path}/other/e",
        "seed": 3,
    }
    names = [path.removeprefix(f"{tmp_path}/") for path in named_files(parameters)]
    assert names == ["a", "b", "c", "kit/d"]
