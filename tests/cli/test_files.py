from pathlib import Path

import pytest

from tagkeras.cli import files


def test_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "a" / "file.txt"
    files.write_text(path, "old")
    with files.written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


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


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_and_what_killed_runs_left_is_removed(
    tmp_path, monkeypatch, can_exchange
):
    if not can_exchange:
        monkeypatch.setattr(files, "exchange", lambda one, other: False)
    path = tmp_path / "folder"
    (tmp_path / ".folder.0123.tmp").mkdir()
    (tmp_path / ".folder.0123.tmp" / "part").touch()
    (tmp_path / ".other.0123.tmp").mkdir()
    for content in ("old", "new"):
        with files.folder_written_aside(path) as aside:
            (aside / content).touch()
    assert [p.name for p in path.iterdir()] == ["new"]
    assert {p.name for p in tmp_path.iterdir()} == {"folder", ".other.0123.tmp"}


def test_a_run_that_goes_on_keeps_its_folder(tmp_path):
    path = tmp_path / "folder"
    with files.folder_written_aside(path) as first:
        (first / "first").touch()
        with files.folder_written_aside(path) as second:
            (second / "second").touch()
        assert (path / "second").exists()
        assert (first / "first").exists()
    assert [p.name for p in path.iterdir()] == ["first"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_finished_folder_is_not_taken_for_abandoned(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    replace = files._replace

    def replace_while_another_cleans_up(target, aside):
        files._clean_up(target)
        replace(target, aside)
        files._clean_up(target)

    monkeypatch.setattr(files, "_replace", replace_while_another_cleans_up)
    for content in ("old", "new"):
        with files.folder_written_aside(path) as aside:
            (aside / content).touch()
        assert [p.name for p in path.iterdir()] == [content]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_another_cleaned_away_before_it_was_locked(tmp_path, monkeypatch):
    lock, first = files._lock, []

    def lock_late(folder, *, wait):
        if not first:
            first.append(folder)
            folder.rmdir()
        return lock(folder, wait=wait)

    monkeypatch.setattr(files, "_lock", lock_late)
    with files.folder_written_aside(tmp_path / "folder") as aside:
        (aside / "content").touch()
    assert (tmp_path / "folder" / "content").exists()


def test_here_and_links(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with files.folder_written_aside(tmp_path / "link") as aside:
        (aside / "a").touch()
    assert (tmp_path / "real" / "a").exists()
    assert (tmp_path / "link").is_symlink()
    monkeypatch.chdir(tmp_path / "real")
    with files.folder_written_aside(".") as aside:
        (aside / "b").touch()
    assert [p.name for p in (tmp_path / "real").iterdir()] == ["b"]


def test_what_a_run_was_killed_between_two_renames_of_comes_back(tmp_path):
    (tmp_path / ".folder.0123.old").mkdir()
    (tmp_path / ".folder.0123.old" / "old").touch()
    path = tmp_path / "folder"
    with pytest.raises(RuntimeError), files.folder_written_aside(path):
        assert (path / "old").exists()
        raise RuntimeError
    assert (path / "old").exists()
    (tmp_path / ".folder.4567.old").mkdir()
    with files.folder_written_aside(path) as aside:
        (aside / "new").touch()
    assert [p.name for p in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def write_files(folder, text):
    for name in ("all.json", "a.parquet", "z.parquet"):
        (folder / name).write_text(text)


def test_files_take_their_places_among_others(tmp_path):
    folder = tmp_path / "new" / "folder"
    for text in ("old", "new"):
        with files.files_written_aside(folder, last="all.json") as aside:
            write_files(aside, text)
            if text == "new":
                assert (folder / "all.json").read_text() == "old"
                (folder / "notes.txt").write_text("mine")
    names = {"all.json", "a.parquet", "z.parquet", "notes.txt"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "notes.txt").read_text() == "mine"
    assert {(folder / name).read_text() for name in names - {"notes.txt"}} == {"new"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_files_stay_as_they_were_if_the_block_raises(tmp_path, error):
    """What a killed run left there is removed all the same."""
    write_files(tmp_path, "old")
    (tmp_path / ".all.json.0123abcd.tmp").mkdir()
    (tmp_path / ".all.json.0123abcd.tmp" / "part").touch()
    with pytest.raises(error), files.files_written_aside(tmp_path, last="all.json") as aside:
        write_files(aside, "new")
        raise error
    assert {path.name for path in tmp_path.iterdir()} == {"all.json", "a.parquet", "z.parquet"}
    assert {path.read_text() for path in tmp_path.iterdir()} == {"old"}


@pytest.mark.parametrize("before", [0, 1, 2])
def test_the_last_file_is_not_there_while_others_are_replaced(tmp_path, monkeypatch, before):
    """A disk that fails after some renames leaves no file that says that all are there."""
    write_files(tmp_path, "old")
    replace, renamed = Path.replace, []

    def fail_later(self, target):
        if len(renamed) == before:
            raise OSError("disk")
        renamed.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_later)
    with pytest.raises(OSError, match="disk"):
        with files.files_written_aside(tmp_path, last="all.json") as aside:
            write_files(aside, "new")
    assert {path.name for path in tmp_path.iterdir()} == {"a.parquet", "z.parquet"}
    assert [path.name for path in renamed] == ["a.parquet", "z.parquet"][:before]
