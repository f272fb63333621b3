import os
from pathlib import Path

import hypothesis
import pytest

# A busy machine is no failure.
hypothesis.settings.register_profile("tagkeras", deadline=None)
hypothesis.settings.load_profile("tagkeras")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Photos, weights and models that are no part of the project; tests skip without them."""
    folder = os.environ.get("TAGKERAS_TEST_DATA")
    if not folder:
        pytest.skip("no real data: set TAGKERAS_TEST_DATA to their folder")
    return Path(folder)
