"""What a load test found."""

import dataclasses
import json
from typing import Any

import numpy as np

from serving.load_test.latencies import Latencies
from serving.load_test.load import Load
from serving.load_test.samples import Samples
from serving.load_test.target import Endpoint

# Beyond them, the figures are of the load generator and not of the server.
_MAX_LAG_MS = 10.0
_MAX_BUSY = 0.9
_MIN_RATE_KEPT = 0.95
_FEWEST_FOR_RATE = 20


@dataclasses.dataclass(frozen=True)
class Report:
    """Figures of the requests after the warm-up.

    Attributes:
        server: as it was given.
        model: its name.
        signature: of the model.
        api: `gRPC` or `REST`.
        clients: of a closed loop, or None.
        asked_rate: requests a second of an open loop, or None.
        arrivals: of an open loop, `poisson` or `even`; or None.
        batch: images (or descriptors) of a request.
        seconds: from when the first request was due to the last answer.
        requests: how many were sent.
        succeeded: how many of them were answered.
        failures: how many were not, by status.
        details: of each status, what the server said to the first.
        calls_per_second: requests that were answered, by `seconds`.
        images_per_second: the same in images.
        sent_rate: requests sent a second, from the first to the last; None for fewer than two.
        latency_ms: of the requests that were answered, and of those that were waited for until
            their deadline: from when they were due, which in a closed loop is when they were sent.
        lag_ms: how much later than due requests were sent: the generator's own delay.
        generator_busy: the part of the time that the generator's thread was at work, 0 to 1.
    """

    server: str
    model: str
    signature: str
    api: str
    clients: int | None
    asked_rate: float | None
    arrivals: str | None
    batch: int
    seconds: float
    requests: int
    succeeded: int
    failures: dict[str, int]
    details: dict[str, str]
    calls_per_second: float
    images_per_second: float
    sent_rate: float | None
    latency_ms: Latencies | None
    lag_ms: Latencies | None
    generator_busy: float

    @classmethod
    def of_samples(
        cls, samples: Samples, endpoint: Endpoint, load: Load, batch: int, generator_busy: float
    ) -> "Report":
        """The report of requests that were measured."""
        due, sent, done = samples.due, samples.sent, samples.done
        seconds = float(done.max() - due.min()) if len(samples) else 0.0
        calls = samples.num_succeeded / seconds if seconds else 0.0
        between = float(np.ptp(sent)) if len(samples) > 1 else 0.0
        return cls(
            server=endpoint.server,
            model=endpoint.model,
            signature=endpoint.signature,
            api="REST" if endpoint.is_rest else "gRPC",
            clients=load.clients,
            asked_rate=load.rate,
            arrivals=None if load.rate is None else load.arrivals,
            batch=batch,
            seconds=seconds,
            requests=len(samples),
            succeeded=samples.num_succeeded,
            failures=dict(samples.failures.most_common()),
            details=dict(samples.details),
            calls_per_second=calls,
            images_per_second=calls * batch,
            sent_rate=(len(samples) - 1) / between if between else None,
            latency_ms=Latencies.of_seconds((done - due)[samples.has_latency]),
            lag_ms=None if load.rate is None else Latencies.of_seconds(sent - due),
            generator_busy=generator_busy,
        )

    @property
    def warnings(self) -> list[str]:
        """Why the figures may say more of the load generator than of the server."""
        warnings = []
        if self.generator_busy > _MAX_BUSY:
            warnings.append(
                f"the load generator was at work {self.generator_busy:.0%} of the time, and may "
                "have been slower than the server; run several of it at once"
            )
        if self.lag_ms and self.lag_ms.p99 > _MAX_LAG_MS:
            warnings.append(
                "the load generator did not keep up: one request in a hundred was sent "
                f"{self.lag_ms.p99:.0f} ms late or later, which its latency includes"
            )
        if (
            self.asked_rate
            and self.sent_rate
            and self.requests >= _FEWEST_FOR_RATE
            and self.arrivals == "even"
            and self.sent_rate < _MIN_RATE_KEPT * self.asked_rate
        ):
            warnings.append(
                f"the load generator did not keep up: it sent {self.sent_rate:.1f} requests a "
                f"second of {self.asked_rate:g}"
            )
        return warnings

    def to_json(self) -> str:
        """One JSON object of the attributes, and `warnings`."""
        return json.dumps({**dataclasses.asdict(self), "warnings": self.warnings}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """The report that `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        del fields["warnings"]
        for name in ("latency_ms", "lag_ms"):
            if fields[name] is not None:
                fields[name] = Latencies(**fields[name])
        return cls(**fields)
