"""When alerts fire, says the tool of Prometheus: it evaluates them on series written down here."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from operations_helpers import CONFIG

SERIES = Path(__file__).with_name("alerts_fire.yml").read_text()
ALERTS = (CONFIG / "alerts.yml").read_text()

TOOLS = Path(__file__).parents[3] / ".cluster" / "bin"
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=TOOLS)

promtool = pytest.mark.skipif(PROMTOOL is None, reason="no promtool: `make promtool` gets it")


def evaluate(folder, alerts):
    """What `promtool test rules` says of alerts: its status, and its words."""
    rules, series = folder / "alerts.yml", folder / "series.yml"
    rules.write_text(alerts)
    series.write_text(SERIES.replace("{rules}", str(rules)))
    ended = subprocess.run(
        [PROMTOOL, "test", "rules", series], capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@promtool
def test_alerts_fire_when_they_are_to(tmp_path):
    status, said = evaluate(tmp_path, ALERTS)
    assert status == 0, said


@promtool
@pytest.mark.parametrize(
    ("right", "wrong", "alerts"),
    [
        ("for: 6m", "for: 8m", "HashtagServerDown"),
        ("absent(up", "sum(up", "HashtagsDown"),
        ("sum by (model_name) (rate(:tensorflow:serving:request_count[5m]))", "1", "HashtagErrors"),
        ("|NOT_FOUND|", "|", "HashtagErrors"),
        ("> 0.01", "> 0.03", "HashtagErrors HashtagVersionMissing"),
        ('model_name="hashtags"', 'model_name!=""', "HashtagVersionMissing"),
        ("> 500000", "> 5000000", "HashtagsSlow"),
        ("0.99,", "0.97,", "HashtagsSlow"),
        (
            'unless :tensorflow:cc:saved_model:load_attempt_count{status="fail"} offset 15m',
            "",
            "HashtagLoadFailed",
        ),
        (
            'increase(:tensorflow:cc:saved_model:load_attempt_count{status="fail"}[15m]) > 0',
            "vector(0) > 0",
            "HashtagLoadFailed",
        ),
        (
            'unless :tensorflow:serving:model_warmup_latency_count{status!="OK"} offset 15m',
            "",
            "HashtagWarmupFailed",
        ),
    ],
)
def test_another_expression_is_noticed(tmp_path, right, wrong, alerts):
    assert right in ALERTS
    status, said = evaluate(tmp_path, ALERTS.replace(right, wrong))
    assert status == 1, said
    assert set(re.findall(r"alertname: (\w+), time", said)) == set(alerts.split())


def test_each_alert_fires_and_does_not():
    checks = [
        check for test in yaml.safe_load(SERIES)["tests"] for check in test["alert_rule_test"]
    ]
    names = {rule["alert"] for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"]}
    for fires in (False, True):
        assert {c["alertname"] for c in checks if bool(c["exp_alerts"]) == fires} == names
