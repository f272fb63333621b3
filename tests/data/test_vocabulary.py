import numpy as np
import pytest

from tagkeras.cli.errors import UserError
from tagkeras.data.vocabulary import Vocabulary


def test_orders_by_count_then_alphabet_and_cuts():
    vocabulary = Vocabulary.from_counts({"b": 2, "a": 2, "z": 7, "q": 1}, max_tags=3)
    assert vocabulary.tags == ("z", "a", "b")
    assert vocabulary.counts.tolist() == [7, 2, 2]
    assert vocabulary.counts.dtype == np.int64
    assert vocabulary.ids == {"z": 0, "a": 1, "b": 2}
    assert len(vocabulary) == 3


@pytest.mark.parametrize("counts", [{}, {"one": 1}, {"a b": 3, "caf\u00e9": 2, "\u2028x": 1}])
def test_round_trip(tmp_path, counts):
    path = tmp_path / "vocabulary.tsv"
    Vocabulary.from_counts(counts).save(path)
    lines = [
        f"{tag}\t{count}\n" for tag, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    assert path.read_bytes() == "".join(lines).encode()
    loaded = Vocabulary.load(path)
    assert dict(zip(loaded.tags, loaded.counts.tolist(), strict=True)) == counts


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\t3\nb 2\n", "line 2: not a tag, a tab and a count"),
        (b"a\t3\n\t2\n", "line 2"),
        (b"a\t-3\n", "line 1"),
        (b"a\t3\n\nb\t2\n", "line 2"),
        (b"a\t3\na\t2\n", "line 2: the tag of line 1 again"),
        (b"a\t3\nb\t5\n", "line 2: a higher count"),
        (b"a\t3\n\xff\t2\n", "line 2: not UTF-8"),
    ],
)
def test_names_the_line_at_fault(tmp_path, content, words):
    path = tmp_path / "vocabulary.tsv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words) as raised:
        Vocabulary.load(path)
    assert str(path) in str(raised.value)


def test_names_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.tsv: cannot read.*beam\.preprocess"):
        Vocabulary.load(tmp_path / "nothing.tsv")
