"""Batches over recorded computations, closed after each test."""

import pytest
from batching_helpers import Fixture


@pytest.fixture
def batching():
    made = []

    def make(*arguments, **parameters):
        made.append(Fixture(*arguments, **parameters))
        return made[-1]

    yield make
    for fixture in made:
        fixture.computation.go_on.set()
        fixture.scheduler.close()
        fixture.threads.shutdown()
