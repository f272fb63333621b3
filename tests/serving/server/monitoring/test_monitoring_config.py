import pytest

from serving.server.monitoring import monitoring_config
from serving.server.monitoring.monitoring_config import MonitoringConfig
from tagkeras.cli.errors import UserError


def read(tmp_path, text):
    path = tmp_path / "monitoring.txt"
    path.write_text(text)
    return monitoring_config.read(path)


def test_the_file_of_tensorflow_serving(tf_serving_testdata):
    assert monitoring_config.read(tf_serving_testdata / "monitoring_config.txt") == (
        MonitoringConfig(enable=True, path="/monitoring/prometheus/metrics")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", MonitoringConfig()),
        ("prometheus_config {}", MonitoringConfig(enable=False)),
        (
            "prometheus_config { enable: true }",
            MonitoringConfig(enable=True, path="/monitoring/prometheus/metrics"),
        ),
        (
            '# ours\nprometheus_config: <path: "/metrics" enable: true>',
            MonitoringConfig(enable=True, path="/metrics"),
        ),
    ],
)
def test_what_a_file_says_and_what_it_leaves_out(tmp_path, text, expected):
    assert read(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prometheus { enable: true }", 'no field named "prometheus"'),
        ("prometheus_config { enable: 7 }", "enable"),
        ("prometheus_config { path: /metrics }", "1:27"),
        ("{", "1:1"),
    ],
)
def test_bad_files(tmp_path, text, words):
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert words in message
    assert "monitoring.txt" in message
    assert "ascii MonitoringConfig, such as prometheus_config { enable: true path:" in message
    assert "\n" not in message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*missing\.txt"):
        monitoring_config.read(tmp_path / "missing.txt")


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "monitoring.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"cannot read .*monitoring\.txt"):
        monitoring_config.read(tmp_path / "monitoring.txt")
