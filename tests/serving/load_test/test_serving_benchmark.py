import json

import pytest
from serving_helpers import run_command


@pytest.mark.slow
def test_compares_with_the_session():
    flags = ["--descriptor_size=8", "--tags=50", "--clients=2", "--turns=1", "--seconds=0.5"]
    result = json.loads(run_command("benchmarks.serving", *flags, "--max_batch_size=4").stdout)
    found = result["by_clients"]["2"]
    rates = {name: found[name]["calls_per_second"] for name in ("server", "session", "servable")}
    for name in ("session", "servable"):
        ratio = pytest.approx(rates["server"] / rates[name], rel=0.01)
        assert found[f"ratios_to_{name}"] == [ratio]
        assert found[f"ratio_to_{name}"] == ratio
    assert all(found[name]["p50_ms"] > 0 for name in rates)
