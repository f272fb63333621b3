"""The edits of each step, and the config file that they are made in."""

import pytest

from serving.releases import config_file
from serving.releases.release import Release, changes
from serving.releases.steps import STEPS, Asked
from serving.server.models import model_config
from tagkeras.cli.errors import UserError

STEADY = Release((1,), {"stable": 1, "canary": 1})
LOADED = Release((1, 2), {"stable": 1, "canary": 1})
TRIED = Release((1, 2), {"stable": 1, "canary": 2})
PROMOTED = Release((1, 2), {"stable": 2, "canary": 2, "previous": 1})
BACK = Release((1, 2), {"stable": 1, "canary": 1})
GIVEN_UP = Release((1, 2), {"stable": 2, "canary": 2})
FINISHED = Release((2,), {"stable": 2, "canary": 2})
# Made by hand: no label canary, a policy of all versions, and somebody else's label.
OTHERS = Release((1, 5), {"stable": 1, "blue": 5})


def edits(step, release, **asked):
    return STEPS[step](release, Asked("tags", **asked))


@pytest.mark.parametrize(
    ("step", "release", "asked", "expected"),
    [
        ("start", None, {"newest": 1}, [STEADY]),
        ("start", None, {"newest": 4, "version": 1}, [STEADY]),
        ("start", None, {"newest": 1, "running": True}, [Release((1,), {}), STEADY]),
        ("start", Release((), {}), {"newest": 1, "running": True}, [Release((1,), {}), STEADY]),
        ("start", Release((1,), {}), {"newest": 1, "running": True}, [STEADY]),
        ("start", STEADY, {"newest": 3}, []),
        ("canary", STEADY, {"newest": 2}, [LOADED, TRIED]),
        ("canary", STEADY, {"newest": 7, "version": 2}, [LOADED, TRIED]),
        ("canary", LOADED, {"newest": 2}, [TRIED]),
        ("canary", TRIED, {"newest": 2}, []),
        # Interrupted with version 2, and another one asked for.
        (
            "canary",
            LOADED,
            {"version": 3},
            [
                Release((1, 3), {"stable": 1, "canary": 1}),
                Release((1, 3), {"stable": 1, "canary": 3}),
            ],
        ),
        (
            "canary",
            OTHERS,
            {"newest": 6},
            [
                Release((1, 5, 6), {"stable": 1, "blue": 5}),
                Release((1, 5, 6), {"stable": 1, "blue": 5, "canary": 6}),
            ],
        ),
        ("promote", TRIED, {}, [PROMOTED]),
        ("promote", TRIED, {"version": 2}, [PROMOTED]),
        ("promote", PROMOTED, {}, []),
        ("promote", PROMOTED, {"version": 2}, []),
        ("rollback", TRIED, {}, [BACK, STEADY]),
        ("rollback", PROMOTED, {}, [BACK, STEADY]),
        ("rollback", PROMOTED, {"version": 1}, [BACK, STEADY]),
        ("rollback", BACK, {}, [STEADY]),
        ("rollback", STEADY, {"version": 1}, []),
        ("finish", PROMOTED, {}, [GIVEN_UP, FINISHED]),
        ("finish", GIVEN_UP, {}, [FINISHED]),
        ("finish", FINISHED, {}, []),
    ],
)
def test_edits_of_a_step(step, release, asked, expected):
    assert edits(step, release, **asked) == expected


@pytest.mark.parametrize(
    ("step", "release", "asked", "words"),
    [
        ("start", STEADY, {"version": 2}, "version 1 of tags is stable already.*canary"),
        ("start", None, {}, "name one by --version"),
        ("canary", None, {"newest": 2}, "no version with the label stable: start"),
        ("canary", Release((1,), {"blue": 1}), {"newest": 2}, "no version with the label stable"),
        ("canary", STEADY, {}, "name one by --version"),
        ("canary", STEADY, {"newest": 1}, "version 1 of tags is the stable one: export another"),
        ("canary", STEADY, {"version": 1}, "version 1 of tags is the stable one$"),
        ("canary", TRIED, {"version": 3}, "version 2 of tags is the canary: promote it or roll"),
        ("canary", PROMOTED, {"version": 3}, "version 1 of tags is kept for a rollback.*finish"),
        ("promote", STEADY, {}, "no canary to promote: version 1 is stable"),
        ("promote", LOADED, {}, "no canary to promote"),
        ("promote", STEADY, {"version": 1}, "no canary to promote"),
        ("promote", TRIED, {"version": 3}, "the canary of tags is version 2, not 3"),
        ("promote", PROMOTED, {"version": 3}, "no canary to promote: version 2 is stable"),
        ("rollback", STEADY, {}, "nothing to roll back: version 1 is the only one"),
        ("rollback", PROMOTED, {"version": 2}, "goes to version 1, not 2"),
        ("rollback", FINISHED, {"version": 1}, "goes to version 2, not 1"),
        ("finish", TRIED, {}, "version 2 of tags is still tried"),
        ("finish", PROMOTED, {"version": 1}, "version 2 of tags is stable, not 1"),
    ],
)
def test_steps_that_make_no_sense(step, release, asked, words):
    with pytest.raises(UserError, match=words):
        edits(step, release, **asked)


@pytest.mark.parametrize(
    ("step", "release"),
    [
        ("canary", STEADY),
        ("canary", LOADED),
        ("canary", OTHERS),
        ("rollback", TRIED),
        ("rollback", PROMOTED),
        ("finish", PROMOTED),
    ],
)
def test_a_step_cut_short_ends_where_a_whole_one_does(step, release):
    """After any of its edits, the rest is what remains; no edit leaves a label without version."""
    whole = edits(step, release, newest=9)
    for done, state in enumerate(whole):
        assert set(state.labels.values()) <= set(state.versions)
        if state != whole[-1]:
            assert edits(step, state, newest=9) == whole[done + 1 :]


def test_an_edit_loads_before_it_labels_and_unloads_after():
    for step, release in [("canary", STEADY), ("rollback", PROMOTED), ("finish", PROMOTED)]:
        for edit in edits(step, release, newest=2):
            # Never both at once, and labels only to what was loaded before.
            assert (edit.versions == release.versions) != (edit.labels == release.labels)
            assert set(edit.labels.values()) <= set(release.versions)
            release = edit


def test_changes_in_words():
    assert changes(None, STEADY) == ["versions none -> 1", "stable none -> 1", "canary none -> 1"]
    assert changes(TRIED, PROMOTED) == ["stable 1 -> 2", "previous none -> 1"]
    assert str(OTHERS) == "versions 1, 5; stable 1, blue 5"


FILE = """# Served by the tags team.

model_config_list {
  config {  # the first
    name: "tags" base_path: "/models/tags" model_platform: "tensorflow"
    model_version_policy { specific { versions: 2 versions: 1 } }
    version_labels { key: "stable" value: 1 }
    logging_config { sampling_config { sampling_rate: 0.5 } }
  }
  config {
    name: "other" base_path: "s3://bucket/other#1" model_platform: "tensorflow"
    model_version_policy { latest { num_versions: 3 } }
    version_labels { key: "stable" value: 8 }
  }
}
"""


def test_an_edit_leaves_the_rest_of_the_file(tmp_path):
    path = tmp_path / "models.config"
    path.write_text(FILE)
    path.chmod(0o640)
    (tmp_path / "link.config").symlink_to(path)
    before, config = (config_file.read(tmp_path / "link.config") for _ in range(2))
    assert config_file.release_of(config, "tags") == Release((1, 2), {"stable": 1})
    assert config_file.release_of(config, "other") == Release((8,), {"stable": 8})
    assert config_file.release_of(config, "none") is None

    config_file.set_release(config, "tags", TRIED)
    assert config_file.write(tmp_path / "link.config", config)  # a comment inside is lost
    assert path.read_text().startswith("# Served by the tags team.\n\nmodel_config_list {")
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link.config").is_symlink()
    after = model_config.read(path)
    assert config_file.release_of(after, "tags") == TRIED
    assert after.model_config_list.config[1] == before.model_config_list.config[1]
    tags = after.model_config_list.config[0]
    assert (tags.base_path, tags.logging_config.sampling_config.sampling_rate) == (
        "/models/tags",
        0.5,
    )
    assert not config_file.write(path, after)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.config", "models.config"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model_config_list { config {", "Invalid protobuf file"),
        (FILE.replace('"other"', '"tags"'), "list model tags multiple times"),
        (FILE.replace('"/models/tags"', '"models/tags"'), "absolute path or URI"),
        ("custom_model_config {}", "only model_config_list is supported"),
    ],
)
def test_files_that_no_server_takes(tmp_path, text, words):
    path = tmp_path / "models.config"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        config_file.read(path)


def test_versions_on_disk(tmp_path):
    for name in ("1", "12", "notes", ".3.tmp"):
        (tmp_path / name).mkdir()
    assert config_file.versions_on_disk(str(tmp_path)) == {1, 12}
    assert config_file.versions_on_disk(str(tmp_path / "none")) is None
    assert config_file.versions_on_disk("s3://bucket/tags") is None
