"""Example posts with images, and background posts that have no unknown tag."""

import io

import numpy as np
import pytest
from PIL import Image
from small_world import describe_users
from tiny_cnn import save_cnn

from tagkeras.add_tags import embedded_posts
from tagkeras.add_tags.embedded_posts import embed_background, embed_examples
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FactSchema, to_columns
from tagkeras.data.manifest import Manifest
from tagkeras.data.posts import parse_post
from tagkeras.data.posts_file import PlacedPost
from tagkeras.data.user import User
from tagkeras.images.cnn.descriptor_model import FOLDER, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn
from tagkeras.layers import UserDescriptor
from tagkeras.train.config import Settings
from tagkeras.train.model import make_model, restore_model


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A dataset of images, a model for it, and the CNN up to its descriptor of 6 numbers."""
    folder = tmp_path_factory.mktemp("pictures")
    body = save_cnn(folder / "cnn.keras")
    save_descriptor_model(load_cnn(str(folder / "cnn.keras")), folder / FOLDER)
    manifest = Manifest(
        descriptor_size=6,
        descriptor_dtype="float32",
        num_tags=3,
        splits={},
        user_descriptor={"countries": ["US"], "location_decimals": 1, "size": 6},
        cnn={"name": "tiny"},
    )
    pixels = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    (folder / "a.png").write_bytes(stream.getvalue())
    return folder, manifest, make_model(Settings(embedding_dim=4, rank=4), manifest), body, pixels


def make_post(place, **row):
    row = {"post_id": place, "user_id": "u", "hashtags": ["new"], **row}
    return PlacedPost(place, parse_post(row), row.get("descriptor"))


# Users that unknown facts are drawn from: all in the US, female and 20.
SOMEBODY = np.array([[0.2, -1, 1, 0.5, 0.5, 0.5]], np.float32)


def embed(pictures, posts):
    folder, manifest, model, *_ = pictures
    return embed_examples(
        folder / "posts.jsonl",
        posts,
        dataset=folder,
        manifest=manifest,
        model=model,
        image_root=folder,
        people=SOMEBODY,
    )


def test_images_by_path_and_content_and_ready_descriptors(pictures):
    folder, _, model, body, pixels = pictures
    descriptor = body.predict(pixels[np.newaxis].astype(np.float32), verbose=0)
    phi = embed(
        pictures,
        [
            make_post("line 1", image="a.png", country="US", age=30),
            make_post("line 2", image_bytes=(folder / "a.png").read_bytes(), country="US", age=30),
            make_post("line 3", descriptor=descriptor[0].tolist(), country="US", age=30),
            make_post("line 4", image="a.png"),
        ],
    )
    user = to_columns([User(age=30, country="US")])
    expected = model(
        {"descriptor": descriptor, "user_descriptor": UserDescriptor(FactSchema(("US",)))(user)}
    ).numpy()
    np.testing.assert_allclose(phi[0, :3], np.repeat(expected, 3, axis=0), rtol=1e-4, atol=1e-6)
    assert np.abs(phi[0, 3] - expected).max() > 1e-3


def test_half_of_the_copies_know_what_an_example_does_not_tell(pictures):
    model, descriptor = pictures[2], [1.0, 0, 0, 2, 0, 0]
    phi = embed(pictures, [make_post("1", descriptor=descriptor, age=34, gender="male")])

    def expected(*user):
        inputs = {"descriptor": [descriptor], "user_descriptor": [user]}
        return model({k: np.array(v, np.float32) for k, v in inputs.items()}).numpy()[0]

    told, filled = expected(0.34, 1, 0, 0.5, 0.5, 0.5), expected(0.34, 1, 1, 0.5, 0.5, 0.5)
    assert np.abs(told - filled).max() > 1e-3
    np.testing.assert_allclose(phi[::2, 0], np.tile(told, (4, 1)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(phi[1::2, 0], np.tile(filled, (4, 1)), rtol=1e-4, atol=1e-6)


def test_images_that_cannot_be_read_are_named(pictures):
    folder = pictures[0]
    (folder / "bad.png").write_bytes(b"no picture")
    posts = [
        make_post("line 1", image="a.png"),
        make_post("line 2", image="missing.png"),
        make_post("line 3", image="bad.png"),
        make_post("line 4", descriptor=[1.0] * 5),
    ]
    with pytest.raises(
        UserError,
        match="3 of 4 posts cannot be used.*: line 2: image_missing: missing.png: No such file.*;"
        " line 3: image_unreadable: bad.png: .*; line 4: descriptor_length: .*5 values instead",
    ):
        embed(pictures, posts)


US = describe_users([{"country": "US"}])
UNKNOWN = describe_users([{"country": None}])


def test_background_has_no_posts_with_unknown_tags(world, monkeypatch):
    manifest, model = Manifest.load(world.part), restore_model(world.run)
    ids = world.run.vocabulary().ids
    tags_of_posts = [post["hashtags"] for post in world.splits["train"]]
    known = [tags for tags in tags_of_posts if all(tag in ids for tag in tags)]
    assert 1000 < len(known) < len(tags_of_posts)
    posts, people = embed_background(world.part, manifest, model, len(tags_of_posts), US)
    assert posts.phi.shape == (len(known), 8)
    assert sorted(posts.tags) == sorted(sorted(ids[tag] for tag in tags) for tags in known)
    everybody = describe_users(world.splits["train"])
    np.testing.assert_array_equal(np.sort(people, axis=0), np.sort(everybody, axis=0))
    monkeypatch.setattr(embedded_posts, "ENOUGH_KNOWN_POSTS", 1201)
    assert len(embed_background(world.part, manifest, model, 1200, US)[0].tags) == 1200


def test_background_tells_as_little_as_the_examples_in_every_second_post(world, monkeypatch):
    monkeypatch.setattr(embedded_posts, "ENOUGH_KNOWN_POSTS", 10**6)
    manifest, model = Manifest.load(world.part), restore_model(world.run)
    told, people = embed_background(world.part, manifest, model, 40, US)
    hidden, same_people = embed_background(world.part, manifest, model, 40, UNKNOWN)
    np.testing.assert_array_equal(people, same_people)
    differs = np.abs(told.phi - hidden.phi).max(axis=1) > 1e-6
    assert differs.tolist() == [False, True] * 20
