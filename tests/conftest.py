import os
from pathlib import Path

import hypothesis
import pytest

# A busy machine is no failure.
hypothesis.settings.register_profile("tagkeras", deadline=None)
hypothesis.settings.load_profile("tagkeras")
os.environ.setdefault("TAGKERAS_TEST_DATA", str(Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Photos, weights and models that are no part of the project; tests skip without them."""
    folder = Path(os.environ["TAGKERAS_TEST_DATA"])
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set TAGKERAS_TEST_DATA")
    return folder
