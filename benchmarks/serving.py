"""Compares the embedded server with calls of the same session in-process, or watches its memory.

    python -m benchmarks.serving
    python -m benchmarks.serving --memory --tags=1000

Calls carry one descriptor and one user to the signature `descriptor` of a multiplicative model of
random weights. In turn, for each number of clients: that many threads run the session in this
process, first by `Session.run`, then by the server's own way to it (`Servable.run`), which is
faster; then that many clients (`serving.load_test`, a process of its own) ask the server over
loopback, a process of its own too. Threads take ready arrays and leave them, clients bytes.
Prints one JSON object.

Ratios are the server's calls a second by those in-process, a turn each. Latencies are medians of
the turns' medians. `generator_busy` is the most that the load generator was at work: near 1, it was
slower than the server. The generator shares the machine's cores with the server.

`--memory` gives the resident memory of the server's process before any request and after some.
"""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.in_process import SIGNATURE, servable_call, session_call
from benchmarks.served_model import write_served_model
from serving.server.runner import ServerProcess
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.export.requests import GraphBatching

_MODEL = "bench"
_WARMUP_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    descriptor_size: int = option(1280, help="n", minimum=1)
    tags: int = option(100_000, help="Y", minimum=10)
    embedding_dim: int = option(64, help="d", minimum=1)
    rank: int = option(100, help="of the model's factors", minimum=1)
    max_batch_size: int = option(
        64, help="of the batches that the graph puts requests together to; 0 for none", minimum=0
    )
    clients: tuple[str, ...] = option(("1", "64"), help="numbers of clients to compare with")
    turns: int = option(3, help="of each number of clients", minimum=1)
    seconds: float = option(10.0, help="of a turn's half", minimum=0.1)
    memory: bool = option(False, help="measure memory instead")
    requests: tuple[str, ...] = option(
        ("10000", "100000"), help="of --memory: numbers of requests after which it is looked at"
    )


def main(config: Config) -> None:
    """Measures and prints."""
    clients, requests = _counts("clients", config.clients), _counts("requests", config.requests)
    result: dict[str, Any] = {"benchmark": "serving", "cores": os.cpu_count()}
    result |= dataclasses.asdict(config)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name) / _MODEL
        base.mkdir()
        write_served_model(
            base / "1",
            descriptor_size=config.descriptor_size,
            tags=config.tags,
            embedding_dim=config.embedding_dim,
            rank=config.rank,
            batching=_batching(config.max_batch_size),
        )
        with ServerProcess(model_name=_MODEL, model_base_path=base) as server:
            if config.memory:
                result["resident_mib"] = _memory(server, max(clients), requests)
            else:
                descriptors = np.random.default_rng(0).normal(size=(1, config.descriptor_size))
                in_process = {
                    name: make(str(base / "1"), descriptors.astype(np.float32))
                    for name, make in (("session", session_call), ("servable", servable_call))
                }
                result["by_clients"] = {
                    number: _compare(config, in_process, server, number) for number in clients
                }
    print(json.dumps(result))


def _batching(max_batch_size: int) -> GraphBatching | None:
    return GraphBatching(max_batch_size=max_batch_size) if max_batch_size else None


def _compare(
    config: Config,
    in_process: dict[str, Callable[[], object]],
    server: ServerProcess,
    clients: int,
) -> dict[str, Any]:
    """Turns of all kinds, and their ratios."""
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in (*in_process, "server")}
    for _ in range(config.turns):
        for name, call in in_process.items():
            turns[name].append(_call(call, config.seconds, clients))
        turns["server"].append(
            _load(server, clients=clients, duration=config.seconds, warmup=_WARMUP_SECONDS)
        )
    result: dict[str, Any] = {
        name: {
            "calls_per_second": round(_median(laps, "calls_per_second"), 1),
            "p50_ms": round(statistics.median(lap["latency_ms"]["p50"] for lap in laps), 2),
        }
        for name, laps in turns.items()
    }
    for name in in_process:
        ratios = [
            ours["calls_per_second"] / bare["calls_per_second"]
            for ours, bare in zip(turns["server"], turns[name], strict=True)
        ]
        result[f"ratio_to_{name}"] = round(statistics.median(ratios), 3)
        result[f"ratios_to_{name}"] = [round(ratio, 3) for ratio in ratios]
    busy = max(lap["generator_busy"] for lap in turns["server"])
    return {**result, "generator_busy": round(busy, 2)}


def _call(call: Callable[[], object], seconds: float, threads: int) -> dict[str, Any]:
    """Calls a second and the median latency of so many threads that call."""
    laps: list[list[tuple[float, float]]] = [[] for _ in range(threads)]
    begin = time.perf_counter() + _WARMUP_SECONDS
    end = begin + seconds

    def call_until_the_end(own_laps: list[tuple[float, float]]) -> None:
        while (start := time.perf_counter()) < end:
            call()
            if start >= begin:
                own_laps.append((start, time.perf_counter()))

    workers = [threading.Thread(target=call_until_the_end, args=(own,)) for own in laps]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    times = np.array([lap for own in laps for lap in own])
    return {
        "calls_per_second": len(times) / float(times[:, 1].max() - times[:, 0].min()),
        "latency_ms": {"p50": 1000 * float(np.median(times[:, 1] - times[:, 0]))},
    }


def _load(server: ServerProcess, **flags: object) -> dict[str, Any]:
    """The report of `serving.load_test`.

    Raises:
        RuntimeError: a request failed.
    """
    flags = {"server": server.endpoint, "model_name": _MODEL, "signature": SIGNATURE, **flags}
    command = [sys.executable, "-m", "serving.load_test", "--json"]
    command += [f"--{name}={value}" for name, value in flags.items()]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    report: dict[str, Any] = json.loads(answer.stdout)
    if report["failures"]:
        raise RuntimeError(f"requests failed: {report['details']}")
    return report


def _memory(server: ServerProcess, clients: int, requests: list[int]) -> dict[int, float]:
    """MiB of the server's process by how many requests it has answered."""
    resident = {0: _resident_mib(server.pid)}
    sent = 0
    for number in sorted(requests):
        _load(server, clients=clients, requests=number - sent, warmup=0)
        sent = number
        resident[sent] = _resident_mib(server.pid)
    return resident


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise RuntimeError(f"process {pid} has ended")


def _counts(flag: str, values: tuple[str, ...]) -> list[int]:
    if not values or not all(value.isdecimal() and int(value) for value in values):
        raise UserError(f"--{flag} takes whole numbers above 0, got {','.join(values)!r}")
    return sorted({int(value) for value in values})


def _median(laps: list[dict[str, Any]], name: str) -> float:
    return statistics.median(lap[name] for lap in laps)


if __name__ == "__main__":
    run(main, Config)
