"""Models that answer from a table, so that versions rank as a test says."""

import json

import tensorflow as tf

from tagkeras.cli import commandline

USER = {
    "age": tf.float32,
    "gender": tf.string,
    "country": tf.string,
    "latitude": tf.float32,
    "longitude": tf.float32,
}


class RankingModule(tf.Module):
    """The answer to the descriptor [i] is row i of a table; beyond it, the request fails."""

    def __init__(self, rows):
        super().__init__()
        self.rows = tf.Variable(rows, trainable=False)

    def rank(self, descriptor, **user):
        row = tf.cast(descriptor[:, 0], tf.int64)
        in_table = tf.debugging.assert_less(row, tf.shape(self.rows, tf.int64)[0], "no such row")
        with tf.control_dependencies([in_table]):
            hashtags = tf.gather(self.rows, row)
        return {"hashtags": hashtags, "scores": tf.zeros(tf.shape(hashtags))}


def save_ranking_model(base, version, rows):
    """Writes `base/version`, complete from its first moment on."""
    module = RankingModule(rows)
    specs = {name: tf.TensorSpec([None], kind, name=name) for name, kind in USER.items()}
    specs["descriptor"] = tf.TensorSpec([None, 1], tf.float32, name="descriptor")
    signature = tf.function(module.rank).get_concrete_function(**specs)
    base.mkdir(parents=True, exist_ok=True)
    aside = base / f".{version}.tmp"
    signatures = {"serving_default": signature, "descriptor": signature}
    tf.saved_model.save(module, str(aside), signatures=signatures)
    return aside.rename(base / str(version))


def break_version(base, version):
    """Writes `base/version`, a model that no server can load."""
    aside = base / f".{version}.tmp"
    aside.mkdir(parents=True)
    (aside / "saved_model.pb").write_bytes(b"no model")
    aside.rename(base / str(version))


def write_posts(path, posts):
    """A file of posts: (user, descriptor, hashtags) each."""
    lines = [
        json.dumps(
            {"post_id": f"p{row}", "user_id": user, "descriptor": descriptor, "hashtags": tags}
        )
        for row, (user, descriptor, tags) in enumerate(posts)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def run_command(command, *argv):
    """Runs a command's `main` in this process."""
    command.main(commandline.parse(command.Config, [str(argument) for argument in argv]))
