"""The MonitoringConfig of a server, as `--monitoring_config_file` gives it."""

import dataclasses
import os

from serving.server import text_config

DEFAULT_PATH = "/monitoring/prometheus/metrics"

_MonitoringConfig = text_config.define(
    {
        "PrometheusConfig": {"enable": "bool", "path": "string"},
        "MonitoringConfig": {"prometheus_config": "PrometheusConfig"},
    }
)["MonitoringConfig"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MonitoringConfig:
    """Whether and where Prometheus finds the server's metrics.

    Args:
        enable: whether they are exported at all.
        path: where on the REST port.
    """

    enable: bool = False
    path: str = DEFAULT_PATH


def read(path: str | os.PathLike[str]) -> MonitoringConfig:
    """Reads an ascii `tensorflow.serving.MonitoringConfig`.

    Raises:
        UserError: the file cannot be read or is no MonitoringConfig.
    """
    message = text_config.read(
        path, _MonitoringConfig, f'prometheus_config {{ enable: true path: "{DEFAULT_PATH}" }}'
    )
    prometheus = message.prometheus_config
    return MonitoringConfig(enable=prometheus.enable, path=prometheus.path or DEFAULT_PATH)
