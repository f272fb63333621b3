"""The files of Prometheus: what they name is there. No Prometheus reads them here."""

import re

import promql_parser
import pytest
import yaml
from operations_helpers import COMPOSE, CONFIG, base, container, parse, server_arguments
from prometheus_client.parser import text_string_to_metric_families

from serving.monitoring import monitoring_config
from serving.monitoring.metrics import Metrics

PROMETHEUS = yaml.safe_load((CONFIG / "prometheus.yml").read_text())
ALERTS = yaml.safe_load((CONFIG / "alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
# What Prometheus says itself of each target.
OWN = {"up": {"job", "instance"}}


def rule(name):
    """The rule of an alert."""
    (found,) = [rule for rule in RULES if rule["alert"] == name]
    return found


def selectors(expression):
    """The metrics that a PromQL expression looks at, with the labels it matches them by."""
    found = []

    def note(node):
        if isinstance(node, promql_parser.VectorSelector):
            matchers = node.matchers.matchers
            found.append((node.name, {matcher.name for matcher in matchers}))
        return True

    promql_parser.walk(promql_parser.parse(expression), note)
    return found


@pytest.fixture(scope="module")
def known():
    """Labels of the samples of a server to which everything has happened once."""
    metrics = Metrics()
    metrics.record_request(model="m", api="Predict", entrypoint="GRPC", seconds=1, status="OK")
    metrics.record_load("/models/m/1", 1.0, loaded=False)
    metrics.record_warmup("/models/m/1", 1.0, "OK")
    labels = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            # The parser ends the names of all counters in `_total`.
            name = sample.name.removesuffix("_total")
            labels.setdefault(name, set()).update({"job", "instance"}, sample.labels)
    return labels | OWN


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_looks_at_what_the_server_shows(rule, known):
    looked_at = selectors(rule["expr"])
    assert looked_at
    for name, labels in looked_at:
        assert labels <= known[name], name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_is(rule):
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    promql_parser.parse_duration(rule.get("for", "1m"))


def test_selectors_are_all_found():
    assert selectors('a{b="c"} unless d offset 5m > sum by (x) (rate(e{f=~"g", h!="i"}[5m]))') == [
        ("a", {"b"}),
        ("d", set()),
        ("e", {"f", "h"}),
    ]


def test_a_broken_expression_is_refused():
    with pytest.raises(ValueError, match="unexpected character inside brackets"):
        promql_parser.parse(rule("HashtagErrors")["expr"].replace("[5m]", "[5m", 1))


def test_groups():
    assert set(ALERTS) == {"groups"}
    for group in ALERTS["groups"]:
        assert set(group) == {"name", "rules"}
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)


def test_prometheus_scrapes_the_server_of_the_compose_file():
    assert set(PROMETHEUS) == {"global", "rule_files", "scrape_configs"}
    assert set(PROMETHEUS["global"]) == {"scrape_interval", "evaluation_interval"}
    (scraped,) = PROMETHEUS["scrape_configs"]
    assert set(scraped) == {
        "job_name",
        "metrics_path",
        "fallback_scrape_protocol",
        "static_configs",
    }
    config, _ = parse(server_arguments("Dockerfile"))
    assert scraped["metrics_path"] == monitoring_config.read(CONFIG / "monitoring.config").path
    (target,) = scraped["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    assert host in COMPOSE["services"]
    assert int(port) == config.rest_api_port
    for name in PROMETHEUS["rule_files"]:
        assert (CONFIG / name).is_file()
    for name in ("HashtagServerDown", "HashtagsDown"):
        assert f'up{{job="{scraped["job_name"]}"}}' in rule(name)["expr"]


def seconds(duration):
    return promql_parser.parse_duration(duration).total_seconds()


def test_a_server_may_take_its_time_to_load_before_anybody_is_woken():
    probe = container()["startupProbe"]
    starting = probe["periodSeconds"] * probe["failureThreshold"]
    assert seconds(rule("HashtagServerDown")["for"]) > starting
    assert seconds(rule("HashtagsDown")["for"]) < starting


def test_what_callers_do_is_no_error_of_the_server():
    (statuses,) = re.findall(r'status!~"([^"]*)"', rule("HashtagErrors")["expr"])
    assert {"OK", "CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND"} <= set(statuses.split("|"))


def test_pods_say_where_their_metrics_are():
    annotations = base("Deployment")["spec"]["template"]["metadata"]["annotations"]
    config, _ = parse(server_arguments("Deployment"))
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(config.rest_api_port),
        "prometheus.io/path": PROMETHEUS["scrape_configs"][0]["metrics_path"],
    }
