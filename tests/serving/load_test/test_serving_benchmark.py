import json
import subprocess
import sys

import pytest


def measure(*flags):
    command = [sys.executable, "-m", "benchmarks.serving", "--descriptor_size=8", "--tags=50"]
    done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_compares_with_the_session():
    result = measure("--clients=2", "--turns=1", "--seconds=0.5", "--max_batch_size=4")
    found = result["by_clients"]["2"]
    rates = {name: found[name]["calls_per_second"] for name in ("server", "session", "servable")}
    for name in ("session", "servable"):
        ratio = pytest.approx(rates["server"] / rates[name], rel=0.01)
        assert found[f"ratios_to_{name}"] == [ratio]
        assert found[f"ratio_to_{name}"] == ratio
    assert all(found[name]["p50_ms"] > 0 for name in rates)
