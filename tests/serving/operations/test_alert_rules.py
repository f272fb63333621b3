"""The files of Prometheus: what they name is there. No Prometheus reads them here."""

import re

import grpc
import promql_parser
import pytest
import yaml
from operations_helpers import (
    COMPOSE,
    CONFIG,
    KUBERNETES,
    base,
    container,
    parse,
    server_arguments,
)
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import MatchOp

from serving.server.models import model_config
from serving.server.monitoring import monitoring_config
from serving.server.metrics import Metrics

PROMETHEUS = yaml.safe_load((CONFIG / "prometheus.yml").read_text())
IN_KUBERNETES = yaml.safe_load((CONFIG / "prometheus-kubernetes.yml").read_text())
ALERTS = yaml.safe_load((CONFIG / "alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
# What Prometheus says itself of each target.
TARGET = {"job": "hashtags", "instance": "server:8501"}


def rule(name):
    """The rule of an alert."""
    (found,) = [rule for rule in RULES if rule["alert"] == name]
    return found


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
    for code in grpc.StatusCode:
        metrics.record_request(
            model=model.name, api="Predict", entrypoint="GRPC", seconds=1, status=code.name
        )
        metrics.record_warmup(f"{model.base_path}/1", 1.0, code.name)
    for loaded in (False, True):
        metrics.record_load(f"{model.base_path}/1", 1.0, loaded=loaded)
    labels = {"up": [TARGET]}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            # The parser ends the names of all counters in `_total`.
            name = sample.name.removesuffix("_total")
            labels.setdefault(name, []).append(TARGET | sample.labels)
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


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("HashtagServerDown", '"hashtags"', '"kubernetes-pods"'),
        ("HashtagErrors", "CANCELLED", "CANCELED"),
        ("HashtagVersionMissing", '"NOT_FOUND"', '"NotFound"'),
        ("HashtagVersionMissing", '"hashtags"', '"hashtag"'),
        ("HashtagLoadFailed", '"fail"', '"failed"'),
        ("HashtagWarmupFailed", '"OK"', '"ok"'),
    ],
)
def test_an_alert_with_a_value_that_no_sample_has(name, right, wrong, known):
    expression = rule(name)["expr"]
    assert right in expression
    with pytest.raises(AssertionError, match=": (status|job|model_name)"):
        check_selectors(expression.replace(right, wrong), known)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_is(rule):
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    promql_parser.parse_duration(rule.get("for", "1m"))


def test_selectors_are_all_found():
    assert selectors('a{b="c"} unless d offset 5m > sum by (x) (rate(e{f=~"g", h!="i"}[5m]))') == [
        ("a", [("b", MatchOp.Equal, "c")]),
        ("d", []),
        ("e", [("f", MatchOp.Re, "g"), ("h", MatchOp.NotEqual, "i")]),
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


def test_in_kubernetes_the_same_job_scrapes_each_pod():
    assert set(IN_KUBERNETES) == {"scrape_configs"}
    (scraped,) = IN_KUBERNETES["scrape_configs"]
    (composed,) = PROMETHEUS["scrape_configs"]
    both = ("job_name", "metrics_path", "fallback_scrape_protocol")
    assert {key: scraped[key] for key in both} == {key: composed[key] for key in both}
    assert set(scraped) == {*both, "kubernetes_sd_configs", "relabel_configs"}
    base_of_all = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())
    assert scraped["kubernetes_sd_configs"] == [
        {"role": "pod", "namespaces": {"names": [base_of_all["namespace"]]}}
    ]

    def targets(phase, labels):
        """The ports of a pod that are kept."""
        for port in container()["ports"]:
            found = {"__meta_kubernetes_pod_phase": phase, "__meta_kubernetes_pod_name": "p"}
            found["__meta_kubernetes_pod_container_port_name"] = port["name"]
            for name, value in labels.items():
                found[f"__meta_kubernetes_pod_label_{re.sub('[^a-zA-Z0-9_]', '_', name)}"] = value
            if relabelled(found, scraped["relabel_configs"]):
                assert found["pod"] == "p"
                yield port["containerPort"]

    labels = base("Deployment")["spec"]["template"]["metadata"]["labels"]
    config, _ = parse(server_arguments("Deployment"))
    assert [*targets("Running", labels)] == [*targets("Pending", labels)] == [config.rest_api_port]
    assert [*targets("Failed", labels)] == [*targets("Succeeded", labels)] == []
    assert [*targets("Running", {"app.kubernetes.io/name": "other"})] == []


def relabelled(labels, rules):
    """Whether Prometheus keeps a target; its labels are changed in place."""
    for rule in rules:
        value = ";".join(labels.get(name, "") for name in rule["source_labels"])
        action = rule.get("action", "replace")
        if action == "replace":
            labels[rule["target_label"]] = value
            continue
        assert action in {"keep", "drop"}
        if bool(re.fullmatch(rule["regex"], value)) != (action == "keep"):
            return False
    return True
