"""Each alert looks at metrics and labels that the server has; needs no Prometheus."""

import grpc
import promql_parser
import pytest
import yaml
from operations_helpers import CONFIG
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import MatchOp

from serving.server.errors import ServingError
from serving.server.metrics import Metrics
from serving.server.models import model_config

ALERTS = yaml.safe_load((CONFIG / "alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
# What Prometheus says itself of each target.
TARGET = {"job": "hashtags", "instance": "server:8501"}


def selectors(expression):
    """The metrics that a PromQL expression looks at, with how it matches their labels."""
    found = []

    def note(node):
        if isinstance(node, promql_parser.VectorSelector):
            matchers = [(m.name, m.op, m.value) for m in node.matchers.matchers]
            found.append((node.name, matchers))
        return True

    promql_parser.walk(promql_parser.parse(expression), note)
    return found


@pytest.fixture(scope="module")
def known():
    """Labels of the samples, by metric, of a server to which everything has happened once."""
    (model,) = model_config.read(CONFIG / "models.config").model_config_list.config
    metrics = Metrics()
    with metrics.request(model.name, "Predict", "GRPC"):
        pass
    for code in grpc.StatusCode:
        with pytest.raises(ServingError), metrics.request(model.name, "Predict", "GRPC"):
            raise ServingError(code, "")
        metrics.record_warmup(f"{model.base_path}/1", 1.0, code.name)
    for loaded in (False, True):
        metrics.record_load(f"{model.base_path}/1", 1.0, loaded=loaded)
    labels = {"up": [TARGET]}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            labels.setdefault(sample.name, []).append(TARGET | sample.labels)
    return labels


def check_selectors(expression, known):
    """Every matcher names a label; what it asks for, and all that it excludes, are values of it."""
    looked_at = selectors(expression)
    assert looked_at
    for name, matchers in looked_at:
        for label, op, wanted in matchers:
            values = {sample[label] for sample in known[name]}
            named = wanted.split("|") if op in (MatchOp.Re, MatchOp.NotRe) else [wanted]
            assert set(named) <= values, f"{name}: {label}"
            if op in (MatchOp.NotEqual, MatchOp.NotRe):
                assert values > set(named)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_looks_at_what_the_server_shows(rule, known):
    check_selectors(rule["expr"], known)
