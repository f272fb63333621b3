import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_dataset import write_dataset

from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data import post_store
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_store import PostStore
from tagkeras.data.training_input import CACHES, TrainingInput, choose_window_size

POSTS, BATCH = 103, 20
STEPS = 6


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("input") / "dataset", posts=POSTS)


@pytest.fixture(scope="module", params=CACHES)
def training_input(dataset, request):
    return make(dataset, cache=request.param)


def make(dataset, *, batch_size=BATCH, seed=0, cache="none"):
    manifest = Manifest.load(dataset)
    return TrainingInput(dataset, manifest, batch_size=batch_size, seed=seed, cache=cache)


def read(training_input, first_epoch=0, epochs=1, **kwargs):
    """Batches as lists of posts, each as all that training reads of it."""
    batches = training_input.batches(first_epoch=first_epoch, epochs=epochs, **kwargs)
    store = training_input.store
    return [to_posts(store.lookup(batch) if store else batch) for batch in batches]


def to_posts(batch):
    assert batch["descriptor"].shape[1:] == (12,)
    assert batch["descriptor"].dtype == batch["user_descriptor"].dtype == tf.float32
    rows = zip(
        batch["descriptor"].numpy().tolist(),
        batch["user_descriptor"].numpy().tolist(),
        batch["tags"].to_list(),
        batch["tags_removed"].to_list(),
        batch["out_of_vocabulary"].numpy().tolist(),
        strict=True,
    )
    return [repr(row) for row in rows]


def flatten(batches):
    return list(itertools.chain(*batches))


def test_each_epoch_has_every_post_once_in_an_order_of_its_own(dataset, training_input):
    batches = read(training_input, 0, 3)
    assert training_input.steps_per_epoch == STEPS
    assert [len(batch) for batch in batches] == [20, 20, 20, 20, 20, 3] * 3
    epochs = [flatten(batches[i : i + STEPS]) for i in (0, 6, 12)]
    everyone = data_input.read_split(dataset, Manifest.load(dataset), "train", POSTS)
    expected = collections.Counter(to_posts(next(iter(everyone))))
    for epoch in epochs:
        assert collections.Counter(epoch) == expected
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_order_is_the_same_whatever_the_cache(dataset, training_input):
    assert read(training_input, 1, 3) == read(make(dataset), 1, 3)


@pytest.mark.parametrize("window", [1, 25, 40, 103, 1000])
def test_windows_mix_and_lose_no_post(dataset, monkeypatch, window):
    monkeypatch.setattr(data_input, "SHUFFLE_BYTES", window * (12 * 2 + 512))
    streamed = read(make(dataset), 0, 2)
    assert [len(batch) for batch in streamed] == [20, 20, 20, 20, 20, 3] * 2
    assert len(set(flatten(streamed[:STEPS]))) == len(set(flatten(streamed[STEPS:]))) == POSTS
    assert read(make(dataset, cache="memory"), 0, 2) == streamed
    for step in range(STEPS):
        assert read(make(dataset), 0, 2, first_step=step) == streamed[step:]


@settings(max_examples=5, deadline=None)
@given(epoch=st.integers(0, 1), step=st.integers(0, STEPS))
def test_reading_on_gives_what_uninterrupted_reading_gives(training_input, epoch, step):
    whole = read(training_input, 0, 3)
    assert read(training_input, epoch, 3, first_step=step) == whole[epoch * STEPS + step :]


def test_nothing_is_left_at_the_end(training_input):
    assert read(training_input, 2, 2) == []
    assert read(training_input, 1, 2, first_step=STEPS) == []


@settings(max_examples=4, deadline=None)
@given(num_slices=st.integers(1, 7), data=st.data())
def test_slices_make_up_the_batch(training_input, num_slices, data):
    whole = read(training_input, 0, 1)
    every = range(num_slices)
    slices = read(training_input, 0, 1, num_slices=num_slices, slices=every)
    of_batch = [slices[i : i + num_slices] for i in range(0, len(slices), num_slices)]
    assert [flatten(batch) for batch in of_batch] == whole
    for batch in of_batch:
        lengths = [len(part) for part in batch]
        assert max(lengths) - min(lengths) <= 1
    some = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=num_slices))
    first_step = data.draw(st.integers(0, STEPS))
    assert read(
        training_input, 0, 1, first_step=first_step, num_slices=num_slices, slices=some
    ) == [batch[part] for batch in of_batch[first_step:] for part in some]


def test_seeds_differ_and_the_process_wide_one_changes_nothing(dataset, training_input):
    order = read(training_input)
    assert read(make(dataset, seed=1)) != order
    for seed in (0, 7):
        tf.random.set_seed(seed)
        assert read(training_input) == order


@pytest.mark.parametrize("shards", [1, 3, 17, 40])
def test_posts_of_all_shards_mix(tmp_path, shards):
    dataset = write_dataset(tmp_path / "dataset", posts=3400, shards=shards)
    training_input = make(dataset, batch_size=1700, cache="device")
    first, _ = training_input.batches(first_epoch=0, epochs=1)
    stops = np.cumsum(training_input.store.shard_sizes)
    by_shard = np.bincount(np.searchsorted(stops, first["row"], side="right"), minlength=shards)
    expected = 1700 / shards
    assert np.all(np.abs(by_shard - expected) < 5 * np.sqrt(expected))
    assert read(training_input) == read(make(dataset, batch_size=1700))


def test_the_dataset_knows_its_length(training_input):
    batches = training_input.batches(first_epoch=1, epochs=3, first_step=2)
    assert batches.cardinality() == 10
    sliced = training_input.batches(first_epoch=0, epochs=1, num_slices=3, slices=[0, 2])
    assert sliced.cardinality() == 12


def test_only_rows_of_the_device_cache_and_a_lookup_in_graph(dataset):
    training_input = make(dataset, cache="device")
    batch = next(iter(training_input.batches(first_epoch=0, epochs=1)))
    assert list(batch) == ["row"]
    assert batch["row"].dtype == tf.int64
    lookup = tf.function(training_input.store.lookup)
    assert to_posts(lookup(batch)) == to_posts(training_input.store.lookup(batch))
    assert to_posts(lookup({"row": batch["row"][:0]})) == []


def test_other_caches_have_no_store(dataset):
    assert make(dataset).store is None
    assert make(dataset, cache="memory").store is None
    with pytest.raises(ValueError, match="cache must be one of"):
        make(dataset, cache="disk")


def test_descriptors_are_held_once_in_the_dtype_they_are_stored_in(dataset, monkeypatch):
    manifest = Manifest.load(dataset)
    shards = data_input.find_shards(dataset, manifest, "train")
    made = []

    def share(shape, dtype, empty=post_store._empty):
        made.append(empty(shape, dtype))
        return made[-1]

    monkeypatch.setattr(post_store, "_empty", share)
    store = PostStore(dataset, manifest, shards, "CPU:0")
    descriptors = made[0]
    assert descriptors.dtype == np.float16
    before = store.lookup({"row": [5]})["descriptor"].numpy()
    descriptors[5] += 1
    assert not np.array_equal(store.lookup({"row": [5]})["descriptor"], before)
    assert descriptors.ctypes.data % 64 == 0


@pytest.mark.parametrize("cache", ["memory", "device"])
def test_posts_that_do_not_fit_are_refused_before_loading(dataset, monkeypatch, cache):
    monkeypatch.setattr(post_store, "available_bytes", lambda: 5000)
    with pytest.raises(
        UserError, match=rf"--cache={cache}: the 103 training posts take 0.0 GiB of memory, and 0.0"
    ):
        make(dataset, cache=cache)
    monkeypatch.setattr(post_store, "available_bytes", lambda: None)
    make(dataset, cache=cache)


def test_no_shuffle_buffer_grows_with_the_dataset():
    size = choose_window_size(10**9, 512, 8704)
    assert size * 8704 <= data_input.SHUFFLE_BYTES + 2 * 512 * 8704
