import pytest

from tagkeras import files


def test_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "a" / "file.txt"
    files.write_text(path, "old")
    with files.written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_folder_is_replaced(tmp_path):
    path = tmp_path / "folder"
    for content in ("old", "new"):
        with files.written_aside(path) as aside:
            aside.mkdir()
            (aside / content).touch()
    assert [p.name for p in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_failure_leaves_what_was_there_and_nothing_else(tmp_path, kind):
    path = tmp_path / "thing"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), files.written_aside(path) as aside:
        if kind == "folder":
            aside.mkdir()
            (aside / "part").touch()
        else:
            aside.write_text("part")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
