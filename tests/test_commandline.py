import dataclasses
import subprocess
import sys

import pytest
from absl import flags

from tagkeras import commandline
from tagkeras.commandline import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    data: str = option(help="a folder")
    epochs: int = option(20, help="passes", minimum=1)
    rate: float | None = option(None, help="of learning", minimum=0)
    model: str = option("a", help="which", choices=("a", "b"))
    countries: tuple[str, ...] = option(("US", "GB"), help="codes")
    quick: bool = option(False, help="or slow")


def test_defaults_and_types():
    config = commandline.parse(Config, ["--data=x"])
    assert config == Config(data="x")
    argv = ["--data=x", "--epochs=3", "--rate=0.5", "--model=b", "--countries=NZ", "--quick"]
    expected = Config(data="x", epochs=3, rate=0.5, model="b", countries=("NZ",), quick=True)
    assert commandline.parse(Config, argv) == expected


def test_flagfile(tmp_path):
    path = tmp_path / "a.flags"
    path.write_text("# comment\n--data=from-file\n--epochs=4\n")
    config = commandline.parse(Config, [f"--flagfile={path}", "--epochs=5"])
    assert (config.data, config.epochs) == ("from-file", 5)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "--data is required: a folder"),
        (["--data=x", "--epohs=3"], "Unknown command line flag 'epohs'. Did you mean: epochs"),
        (["--data=x", "--epochs=0"], "--epochs=0: 0 is not a positive integer"),
        (["--data=x", "--epochs=many"], "--epochs=many"),
        (["--data=x", "--rate=-1"], "--rate=-1"),
        (["--data=x", "--model=c"], "--model=c: value should be one of <a|b>"),
        (["--data=x", "y"], "unexpected argument 'y'"),
    ],
)
def test_bad_flags_are_named(argv, message):
    with pytest.raises(flags.Error, match=message.replace("|", r"\|")):
        commandline.parse(Config, argv)


def run_command(*argv):
    command = [sys.executable, "-m", "tagkeras.synthetic", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_real_command_says_one_line_and_exits_with_2():
    done = run_command("--output=x", "--posts=many")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("python -m tagkeras.synthetic: flag --posts=many:")


def test_help_lists_the_flags_and_is_no_failure():
    done = run_command("--help")
    assert done.returncode == 0
    assert "--posts" in done.stdout
