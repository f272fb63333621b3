import pytest

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import polled_progress, progress


def test_lines_where_there_is_no_terminal(capsys):
    with progress("reading", 1200, "posts") as advance:
        advance(1000)
    line = capsys.readouterr().err
    assert line.startswith("reading: 1,000 of 1,200 posts, ")
    assert line.endswith(" posts/s\n")


@pytest.mark.parametrize(("total", "text"), [(None, "7 posts,"), (9, "7 of 9 posts,")])
def test_what_was_counted_last_is_shown(capsys, total, text):
    with polled_progress("writing", lambda: 7, total, "posts"):
        pass
    assert capsys.readouterr().err.startswith(f"writing: {text} ")


def test_a_count_that_fails_leaves_the_work_alone(capsys):
    def count():
        raise UserError("the bucket is out of reach")

    with polled_progress("writing", count, None, "posts"):
        pass
    assert "bucket" not in capsys.readouterr().err
    with pytest.raises(RuntimeError), polled_progress("writing", count, None, "posts"):
        raise RuntimeError
