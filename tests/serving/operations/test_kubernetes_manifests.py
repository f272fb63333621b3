"""The Kubernetes objects: valid, and in agreement with each other."""

import copy
import re

import kubernetes_validate
import pytest
import yaml
from operations_helpers import (
    CONFIG,
    KUBERNETES,
    ROOT,
    base,
    container,
    kustomized,
    manifests,
    parse,
    pod,
    server_arguments,
)

from serving.server.model_server import DEFAULT_GRACE_SECONDS

OLD, NEWEST = "1.30", kubernetes_validate.latest_version()
FOLDERS = ("base", "overlays/mtls", "overlays/gpu")
FILES = [*sorted((KUBERNETES / "base").glob("*.yaml")), KUBERNETES / "model-writer.yaml"]
OBJECTS = [
    pytest.param(document, id=f"{path.stem}-{document['kind']}-{document['metadata']['name']}")
    for path in FILES
    if path.name != "kustomization.yaml"
    for document in manifests(path)
]
NAMES = {"app.kubernetes.io/name": "hashtags"}


def check(document, version=NEWEST):
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("document", OBJECTS)
def test_files_as_written(document):
    check(document, OLD)
    check(document)


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_kubectl_makes_of_them(folder):
    documents = kustomized(KUBERNETES / folder)
    for document in documents:
        check(document)
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "hashtags"
    assert sorted(document["kind"] for document in documents) == [
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Namespace",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "Service",
        "Service",
    ]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("spec.template.spec.containers.0.readynessProbe", {}, "readynessProbe"),
        ("spec.template.spec.containers.0.ports.0.containerPort", "8500", "is not of type"),
        ("spec.template.spec.containers.0.lifecycle.preStop.exec.command", "sleep", "of type"),
    ],
)
def test_a_broken_manifest_is_refused(path, value, words):
    broken = copy.deepcopy(base("Deployment"))
    *above, last = path.split(".")
    place = broken
    for step in above:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    with pytest.raises(kubernetes_validate.ValidationError, match=words):
        check(broken)


def test_every_file_of_the_base_is_used():
    kustomization = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())
    files = {path.name for path in (KUBERNETES / "base").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == {"../../config", *files}


def test_all_of_them_mean_the_same_pods():
    template = base("Deployment")["spec"]["template"]
    assert template["metadata"]["labels"] == NAMES
    assert base("Deployment")["spec"]["selector"]["matchLabels"] == NAMES
    assert base("Service")["spec"]["selector"] == NAMES
    assert base("Service", "hashtags-grpc")["spec"]["selector"] == NAMES
    assert base("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == NAMES
    assert base("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == NAMES
    (spread,) = pod()["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == NAMES


def test_the_autoscaler_scales_the_deployment_alone():
    deployment = base("Deployment")
    target = base("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]
    assert container()["resources"]["requests"]["cpu"]  # what its percentage is of
    spec = base("HorizontalPodAutoscaler")["spec"]
    budget = base("PodDisruptionBudget")["spec"]
    assert spec["minReplicas"] > budget["maxUnavailable"]


def test_volumes():
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    mounts = {mount["name"]: mount for mount in container()["volumeMounts"]}
    assert set(volumes) == set(mounts)
    claim = base("PersistentVolumeClaim", "hashtags-models")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert volumes["models"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    (generator,) = yaml.safe_load((CONFIG / "kustomization.yaml").read_text())["configMapGenerator"]
    assert volumes["config"]["configMap"]["name"] == generator["name"]
    assert not any("subPath" in mount for mount in mounts.values())
    assert mounts["models"]["readOnly"]
    assert mounts["config"]["readOnly"]
    config, _ = parse(server_arguments("Deployment"))
    for path in (config.model_config_file, config.monitoring_config_file):
        folder, _, name = path.rpartition("/")
        assert folder == mounts["config"]["mountPath"]
        assert name in generator["files"]
        assert (CONFIG / name).is_file()


def test_a_change_of_the_config_does_not_rename_it():
    (config,) = kustomized(CONFIG)
    assert config["metadata"]["name"] == "hashtags-config"
    assert set(config["data"]) == {"models.config", "batching.config", "monitoring.config"}
    # Applied alone after an edit, it is the one of all the rest.
    (whole,) = [d for d in kustomized(KUBERNETES / "base") if d["kind"] == "ConfigMap"]
    assert whole["metadata"].pop("namespace") == "hashtags"
    assert config == whole


def test_a_pod_has_time_to_go():
    (argument,) = [a for a in server_arguments("Deployment") if "grpc_channel_arguments" in a]
    ages = dict(pair.split("=") for pair in argument.split("=", 1)[1].split(","))
    oldest = int(ages["grpc.max_connection_age_ms"]) + int(ages["grpc.max_connection_age_grace_ms"])
    program, seconds = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert int(seconds) * 1000 > oldest
    assert pod()["terminationGracePeriodSeconds"] >= int(seconds) + DEFAULT_GRACE_SECONDS
    assert pod()["shareProcessNamespace"] is True
    assert base("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_who_may_ask_on_which_port():
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    admitted = {}
    for rule in base("NetworkPolicy")["spec"]["ingress"]:
        for peer in rule["from"]:
            labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
            admitted[(*labels,)] = {port["port"] for port in rule["ports"]}
    assert admitted == {
        (): {ports["grpc"], ports["rest"]},  # its own namespace
        ("hashtags-client",): {ports["grpc"], ports["rest"]},
        # Over gRPC, they could change what is served.
        ("hashtags-rest",): {ports["rest"]},
    }


def test_as_many_threads_as_cpus():
    config, _ = parse(server_arguments("Deployment"))
    cpus = int(container()["resources"]["requests"]["cpu"])
    assert config.tensorflow_intra_op_parallelism == cpus
    assert config.tensorflow_inter_op_parallelism == cpus


def test_the_restricted_pod_security_standard_is_kept():
    for spec in (pod(), manifests(KUBERNETES / "model-writer.yaml")[0]["spec"]):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (only,) = spec["containers"]
        assert only["securityContext"]["allowPrivilegeEscalation"] is False
        assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def deployment(folder):
    (found,) = [d for d in kustomized(KUBERNETES / folder) if d["kind"] == "Deployment"]
    return found["spec"]


def test_mutual_tls():
    spec = deployment("overlays/mtls")["template"]["spec"]
    (server,) = spec["containers"]
    config, unknown = parse(server["args"])
    assert unknown == []
    (mount,) = [mount for mount in server["volumeMounts"] if mount["name"] == "tls"]
    assert config.ssl_config_file == f"{mount['mountPath']}/ssl.config"
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "tls"]
    assert volume["secret"]["secretName"] == "hashtags-tls"
    # The kubelet's own gRPC probe has no TLS.
    assert server["livenessProbe"]["tcpSocket"] == {"port": "grpc"}
    assert "grpc" not in server["livenessProbe"]
    assert server["readinessProbe"] == container()["readinessProbe"]
    for document in kustomized(KUBERNETES / "overlays" / "mtls"):
        if document["kind"] == "Service":
            assert not any("appProtocol" in port for port in document["spec"]["ports"])


def test_gpus():
    spec = deployment("overlays/gpu")
    # A GPU that is taken is not there for a pod's successor.
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    (server,) = spec["template"]["spec"]["containers"]
    assert server["image"] == f"{container()['image']}-gpu"
    resources = server["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == "1"
    assert resources["limits"]["memory"] == resources["requests"]["memory"]
    assert server["args"] == container()["args"]


def test_what_the_document_applies_is_there():
    text = (ROOT / "docs" / "operations.md").read_text()
    # `deploy` is the reader's copy of three of the folders.
    paths = set(re.findall(r"(?<=[ =])(?:serving|deploy)/[\w./-]+", text))
    assert len(paths) > 8
    for path in paths:
        assert (ROOT / re.sub("^deploy/", "serving/", path)).exists(), path
