"""When alerts fire, says the tool of Prometheus: it evaluates them on series written down here."""

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


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool: `make promtool` gets it")
def test_alerts_fire_when_they_are_to(tmp_path):
    series = tmp_path / "series.yml"
    series.write_text(SERIES.replace("{rules}", str(CONFIG / "alerts.yml")))
    command = [PROMTOOL, "test", "rules", series]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_each_alert_fires_and_does_not():
    checks = [
        check for test in yaml.safe_load(SERIES)["tests"] for check in test["alert_rule_test"]
    ]
    names = {rule["alert"] for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"]}
    for fires in (False, True):
        assert {c["alertname"] for c in checks if bool(c["exp_alerts"]) == fires} == names
