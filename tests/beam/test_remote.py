"""Posts read from, and datasets written to, an object store: a real S3 server on loopback."""

import boto3
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from beam_helpers import check_same, give_images, make_posts, read_rejected, write_lines
from moto.server import ThreadedMotoServer
from tiny_cnn import save_cnn

from beam.preprocess.config import Config
from beam.preprocess.preprocess import preprocess
from beam.running import publish, storage
from beam.running.publish import check_output, published
from beam.running.runner import parse_options
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest

pytestmark = pytest.mark.slow

BUCKET = "posts"


@pytest.fixture(scope="module")
def server():
    started = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """A client of an empty bucket; Beam's options name its server."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    url = "http://{}:{}".format(*server.get_host_and_port())
    key = {"access_key_id": "a", "secret_access_key": "b"}
    options = {"endpoint_url": url, "region_name": "us-east-1"}
    client = boto3.client("s3", **options, **{f"aws_{name}": text for name, text in key.items()})
    client.create_bucket(Bucket=BUCKET)
    client.arguments = [f"--s3_{name}={text}" for name, text in {**options, **key}.items()]
    parse_options(client.arguments)
    yield client
    for key in keys(client):
        client.delete_object(Bucket=BUCKET, Key=key)
    client.delete_bucket(Bucket=BUCKET)
    FileSystems.set_options(PipelineOptions([]))


def keys(client):
    return {found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def upload(client, folder):
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), BUCKET, path.relative_to(folder).as_posix())


def download(client, prefix, folder):
    for key in keys(client):
        if key.startswith(prefix + "/"):
            path = folder / key.removeprefix(prefix + "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(BUCKET, key, str(path))
    return folder


def test_storage(bucket, tmp_path):
    storage.write_text("s3://posts/a/b.txt", "text")
    assert storage.read_text("s3://posts/a/b.txt") == "text"
    assert storage.exists("s3://posts/a/b.txt")
    assert not storage.exists("s3://posts/a/c.txt")
    with storage.writing("s3://posts/folder") as local:
        (local / "x").mkdir(parents=True)
        (local / "x" / "y").write_text("z")
    assert keys(bucket) == {"a/b.txt", "folder/x/y"}
    with storage.reading_folder("s3://posts/folder") as local:
        assert (local / "x" / "y").read_text() == "z"
    assert not local.exists()
    storage.move({"s3://posts/a/b.txt": "s3://posts/c.txt"})
    storage.remove_folder("s3://posts/folder")
    storage.remove_folder("s3://posts/none")
    assert keys(bucket) == {"c.txt"}
    with pytest.raises(OSError, match="."), storage.open_input("s3://posts/none") as stream:
        stream.read()
    with pytest.raises(UserError, match="ftp://x/y: cannot look there"):
        storage.match("ftp://x/y")
    assert not list(tmp_path.iterdir())


def test_publishing_puts_the_manifest_last(bucket, monkeypatch):
    with published("s3://posts/out", "m.json") as folder:
        storage.write_text(storage.join(folder, "m.json"), "1")
        storage.write_text(storage.join(folder, "old", "a"), "1")
    assert keys(bucket) == {"out/m.json", "out/old/a"}
    seen = []
    move = storage.move

    def watch(targets):
        seen.append({key for key in keys(bucket) if not key.startswith(".")})
        move(targets)

    monkeypatch.setattr(publish.storage, "move", watch)
    with published("s3://posts/out", "m.json") as folder:
        storage.write_text(storage.join(folder, "m.json"), "2")
        storage.write_text(storage.join(folder, "new", "b"), "2")
    # Until the manifest is there, the folder says whose it is.
    marker = "out/m.json.incomplete"
    assert seen == [{marker}, {marker, "out/new/b"}]
    assert keys(bucket) == {"out/m.json", "out/new/b"}
    with pytest.raises(RuntimeError), published("s3://posts/out", "m.json") as folder:
        storage.write_text(storage.join(folder, "new", "c"), "3")
        raise RuntimeError
    assert keys(bucket) == {"out/m.json", "out/new/b"}
    check_output("s3://posts/out", "m.json", ["s3://posts/in.jsonl", None])
    check_output("s3://posts/empty", "m.json", [])
    storage.write_text("s3://posts/half/m.json.incomplete", "being moved")
    check_output("s3://posts/half", "m.json", [])
    with pytest.raises(UserError, match="on HDFS files cannot be published together"):
        check_output("hdfs://posts", "m.json", [])
    with pytest.raises(UserError, match="holds other things"):
        check_output("s3://posts/out/new", "m.json", [])
    with pytest.raises(UserError, match="would replace what is to be read"):
        check_output("s3://posts/out/", "m.json", ["s3://posts/out/in.jsonl"])


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_everything_remote_gives_what_everything_local_does(bucket, tmp_path, workers):
    save_cnn(tmp_path / "cnn.keras")
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    rows = give_images(make_posts(40), tmp_path / "in" / "images")
    (tmp_path / "in" / "images" / "3.jpg").unlink()
    rows.append({**rows[0], "image": "s3://posts/images/1.jpg"})
    write_lines(tmp_path / "in" / "posts.jsonl", ["{bad", *rows])
    upload(bucket, tmp_path / "in")
    paths = {"cnn": str(tmp_path / "cnn.keras"), "id_key_file": str(tmp_path / "key")}
    arguments = [*bucket.arguments, f"--direct_num_workers={workers}"]
    for source, output, options in [
        (str(tmp_path / "in" / "posts.jsonl"), str(tmp_path / "local"), bucket.arguments),
        ("s3://posts/*.jsonl", "s3://posts/dataset", arguments),
    ]:
        config = Config(input=source, output=output, num_shards=2, **paths)
        preprocess(config, parse_options(options))
    remote = download(bucket, "dataset", tmp_path / "remote")
    assert not [key for key in keys(bucket) if "tmp" in key or "staging" in key]
    check_same(remote, tmp_path / "local")
    ours, theirs = Manifest.load(remote), Manifest.load(tmp_path / "local")
    assert ours.counts == theirs.counts
    reasons = ("duplicate_post_id", "image_missing", "malformed_row")
    assert ours.counts["rejected"] == dict.fromkeys(reasons, 1)
    assert ours.splits == theirs.splits
    reasons = [row["reason"] for row in read_rejected(remote)]
    assert reasons == [row["reason"] for row in read_rejected(tmp_path / "local")]
    assert (remote / "descriptor_model" / "saved_model.pb").is_file()
    assert ours.input["files"] == 1
