"""Clusters of real processes for tests: Flink, and the worker pool that runs Beam's Python.

It is Flink's own distribution and, as in a Kubernetes pod, Beam's pool of workers beside each
TaskManager. Everything listens on loopback and writes below one folder. Prism needs none of this:
`--runner=PrismRunner --prism_location=.cluster/bin/prism` starts and stops it.

`make cluster` fetches what is started here.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

START_SECONDS = 120.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.1

# What bin/jobmanager.sh and bin/taskmanager.sh would take from the default configuration, which
# the packages on PyPI lack: Flink 1.19 on Java 17 looks into these.
_OPENED = "lang lang.reflect net io nio text time util"
_OPENED += " util.concurrent util.concurrent.atomic util.concurrent.locks"
# The client compiler alone: these processes live for a minute or two.
_JVM = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1} - %m%n
"""


class StartError(RuntimeError):
    """A process did not come up; the message has the end of its log."""


@dataclasses.dataclass(frozen=True)
class FlinkJob:
    """A job that a cluster has run.

    Its parallelism is that of its operators: one number if all have the same. `records_read` says
    of each operator by name what each of its parallel tasks read.
    """

    state: str
    parallelism: frozenset[int]
    records_read: Mapping[str, Sequence[int]]


@dataclasses.dataclass(frozen=True)
class FlinkCluster:
    """A running cluster: the address of the JobManager's REST API, and tasks that run at a time."""

    rest_address: str
    slots: int

    def arguments(self, job_server_jar: Path, worker_pool: str) -> list[str]:
        """Beam's options to run a pipeline here.

        The job comes as one jar with pipeline and artifacts, so that neither a job server nor a
        folder shared with one is needed.
        """
        return [
            "--runner=FlinkRunner",
            f"--flink_master={self.rest_address}",
            f"--flink_job_server_jar={job_server_jar}",
            "--flink_submit_uber_jar",
            f"--parallelism={self.slots}",
            "--environment_type=EXTERNAL",
            f"--environment_config={worker_pool}",
        ]

    def get(self, path: str) -> Any:
        """What the REST API answers to a path."""
        with urllib.request.urlopen(f"http://{self.rest_address}{path}", timeout=10) as answer:
            return json.load(answer)

    def jobs(self) -> list[FlinkJob]:
        """All jobs up to now, in the order of their start."""
        found = sorted(self.get("/jobs/overview")["jobs"], key=lambda job: job["start-time"])
        return [self._job(job["jid"]) for job in found]

    def _job(self, job_id: str) -> FlinkJob:
        job = self.get(f"/jobs/{job_id}")
        records_read = {}
        for vertex in job["vertices"]:
            subtasks = self.get(f"/jobs/{job_id}/vertices/{vertex['id']}")["subtasks"]
            records_read[vertex["name"]] = [task["metrics"]["read-records"] for task in subtasks]
        parallelism = frozenset(vertex["parallelism"] for vertex in job["vertices"])
        return FlinkJob(job["state"], parallelism, records_read)


@contextlib.contextmanager
def flink_cluster(flink_home: Path, folder: Path, slots: int = 2) -> Iterator[FlinkCluster]:
    """A JobManager and a TaskManager of their own, ready for jobs.

    The folder is for configuration, logs and data; data is removed at the end.
    """
    rest_port, rpc_port = _free_ports(2)
    data, conf = folder / "data", folder / "conf"
    data.mkdir(parents=True)
    conf.mkdir()
    settings = _settings(rest_port, rpc_port, slots, data)
    lines = [f"{key}: {value}\n" for key, value in settings.items()]
    (conf / "config.yaml").write_text("".join(lines), encoding="utf-8")
    (conf / "log4j.properties").write_text(_LOG4J, encoding="utf-8")
    java_home = os.environ.get("JAVA_HOME")
    java = [
        f"{java_home}/bin/java" if java_home else "java",
        *_JVM,
        *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENED.split()),
        f"-Dlog4j.configurationFile=file:{conf / 'log4j.properties'}",
        f"-Djava.io.tmpdir={data}",
        "-cp",
        f"{flink_home / 'lib'}/*",
    ]
    runtime = "org.apache.flink.runtime"
    configured = ["--configDir", str(conf)]
    entry = f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint"
    job_manager = [*java, entry, *configured, "--executionMode", "cluster"]
    runner = f"{runtime}.taskexecutor.TaskManagerRunner"
    task_manager = [java[0], "-XX:MaxDirectMemorySize=768m", *java[1:], runner, *configured]
    cluster = FlinkCluster(f"localhost:{rest_port}", slots)
    try:
        with (
            _started(job_manager, folder / "jobmanager.log", folder) as manager,
            _started(task_manager, folder / "taskmanager.log", folder) as worker,
        ):
            _wait(lambda: _slots(cluster) == slots, [manager, worker])
            yield cluster
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def worker_pool(folder: Path, boot: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Beam's pool of Python workers; yields its address.

    The folder is the workers' current one. `boot` is the program that Beam's container images run,
    /opt/apache/beam/boot there: it hands workers the pipeline's options and plugins, which workers
    without it do not know.
    """
    (port,) = _free_ports(1)
    semi_persistent, temporary = folder / "semi-persistent", folder / "tmp"
    semi_persistent.mkdir(parents=True)
    temporary.mkdir()
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main"]
    script = folder / "boot.sh"
    script.write_text(f'#!/bin/sh\nexec {boot} --semi_persist_dir={semi_persistent} "$@"\n')
    script.chmod(0o755)
    command += [f"--service_port={port}", f"--container_executable={script}"]
    variables = {
        # The pool starts whatever `python` is.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        # No venv for each worker, as images set it that hold all packages.
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
        "TMPDIR": str(temporary),
        **environment,
    }
    with _started(command, folder / "pool.log", folder, variables, signal.SIGINT) as pool:
        _wait(lambda: _listens(port), [pool])
        yield f"localhost:{port}"


@dataclasses.dataclass(frozen=True)
class _Process:
    popen: subprocess.Popen[bytes]
    log: Path

    def explain(self) -> str:
        """The end of the log."""
        end = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
        return "\n".join([f"{self.log} (exit status {self.popen.poll()}):", *end])


@contextlib.contextmanager
def _started(
    command: Sequence[str],
    log: Path,
    folder: Path,
    variables: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[_Process]:
    """Runs a program while the block runs, in a session of its own, all of which ends with it."""
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            start_new_session=True,
        )
    try:
        yield _Process(popen, log)
    finally:
        popen.send_signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(STOP_SECONDS)
        # Beam's boot program puts workers into groups of their own: the session has them all.
        while members := _members(popen.pid):
            for process_id in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
        popen.wait()


def _members(session: int) -> list[int]:
    """Live processes of a session."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # State, parent, group and session follow the program's name in parentheses.
            state, _, _, found = stat.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(found) == session and state not in "ZX":
            members.append(int(stat.parent.name))
    return members


def _wait(is_ready: Callable[[], bool], processes: Sequence[_Process]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        ended = [process for process in processes if process.popen.poll() is not None]
        if ended or time.monotonic() > deadline:
            reports = "\n\n".join(process.explain() for process in ended or processes)
            raise StartError(f"not up after {START_SECONDS:.0f} s, or ended\n\n{reports}")
        time.sleep(_POLL_SECONDS)


def _slots(cluster: FlinkCluster) -> int:
    try:
        return int(cluster.get("/overview")["slots-total"])
    except (OSError, ValueError, KeyError):
        return 0


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
        return True
    return False


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _settings(rest_port: int, rpc_port: int, slots: int, data: Path) -> dict[str, object]:
    return {
        "jobmanager.rpc.address": "localhost",
        "jobmanager.rpc.port": rpc_port,
        "jobmanager.bind-host": "localhost",
        "jobmanager.memory.process.size": "1g",
        "rest.address": "localhost",
        "rest.bind-address": "localhost",
        "rest.port": rest_port,
        "taskmanager.host": "localhost",
        "taskmanager.bind-host": "localhost",
        "taskmanager.numberOfTaskSlots": slots,
        "parallelism.default": 1,
        "io.tmp.dirs": data,
        "web.tmpdir": data,
        "blob.storage.directory": data / "blobs",
        # taskmanager.sh would work these out; without it all are needed.
        "taskmanager.cpu.cores": float(slots),
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.task.heap.size": "256m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.task.off-heap.size": "256m",
        "taskmanager.memory.managed.size": "64m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        **{f"taskmanager.memory.jvm-overhead.{limit}": "192m" for limit in ("min", "max")},
        # A pipeline has dozens of operators, all of which hold buffers: 64 MB are too few.
        **{f"taskmanager.memory.network.{limit}": "256m" for limit in ("min", "max")},
    }
