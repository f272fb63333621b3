"""How much load, in which form, and for how long."""

import dataclasses

from tagkeras.cli.errors import UserError

# Of the requests or the seconds that are measured.
_DEFAULT_WARMUP = 0.1


@dataclasses.dataclass(frozen=True)
class Load:
    """A closed loop of clients, or an open loop at a rate; for a time or a number of requests.

    In a closed loop, each client sends its next request when the last is answered. In an open loop,
    requests are sent when they are due, whether or not earlier ones are answered.

    Args:
        clients: of a closed loop; None for an open one.
        rate: requests a second of an open loop; None for a closed one.
        arrivals: of an open loop: see `arrivals`.
        duration: seconds that are measured; None for a number of requests.
        requests: requests that are measured; None for a duration.
        warmup: what goes before and is not measured, in the same unit.
    """

    clients: int | None
    rate: float | None
    arrivals: str
    duration: float | None
    requests: int | None
    warmup: float

    @classmethod
    def of_flags(
        cls,
        *,
        clients: int | None,
        rate: float | None,
        arrivals: str,
        duration: float | None,
        requests: int | None,
        warmup: float | None,
    ) -> "Load":
        """Checks what is given together and fills in what is not.

        Raises:
            UserError: flags that exclude each other.
        """
        if clients is not None and rate is not None:
            raise UserError("--clients is a closed loop and --rate an open one; give one of them")
        if duration is not None and requests is not None:
            raise UserError("give --duration or --requests, not both")
        if clients is None and rate is None:
            clients = 1
        if duration is None and requests is None:
            duration = 10.0
        if warmup is None:
            warmup = _DEFAULT_WARMUP * (duration or 0.0)
            if requests is not None:
                warmup = float(int(_DEFAULT_WARMUP * requests))
        elif requests is not None and not warmup.is_integer():
            raise UserError(f"--warmup={warmup:g} of --requests must be a whole number of requests")
        return cls(clients, rate, arrivals, duration, requests, warmup)

    def is_over(self, number: int, seconds: float) -> bool:
        """Whether request `number` (from 0), due `seconds` after the start, is one too many."""
        if self.requests is not None:
            return number >= self.warmup + self.requests
        return seconds >= self.warmup + (self.duration or 0.0)

    def is_measured(self, number: int, seconds: float) -> bool:
        """Whether that request comes after the warm-up."""
        return (number if self.requests is not None else seconds) >= self.warmup
