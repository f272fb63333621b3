import dataclasses
import subprocess
import sys

import pytest
from absl import flags

from tagkeras.cli import commandline
from tagkeras.cli.commandline import option


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
        (["--data=x", "--rate=-1"], "--rate=-1"),
        (["--data=x", "--rate=nan"], "--rate=nan: must be a finite number"),
        (["--data=x", "--model=c"], "--model=c: value should be one of <a|b>"),
        (["--data=x", "y"], "unexpected argument 'y'"),
    ],
)
def test_bad_flags_are_named(argv, message):
    with pytest.raises(flags.Error, match=message.replace("|", r"\|")):
        commandline.parse(Config, argv)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PositionalConfig:
    data: str = option(help="a folder", positional=True)
    tags: int = option(20, help="how many")


@pytest.mark.parametrize(
    "argv",
    [["x", "--tags=3"], ["--tags=3", "x"], ["--data=x", "--tags=3"], ["--tags=3", "--", "x"]],
)
def test_the_positional_argument(argv):
    assert commandline.parse(PositionalConfig, argv) == PositionalConfig(data="x", tags=3)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "--data is required: a folder"),
        (["x", "y"], "unexpected argument 'y'; options are given as --name=value"),
        (["x", "--data=y"], "'x' and --data=y: give one of the two"),
    ],
)
def test_positional_arguments_that_do_not_fit(argv, message):
    with pytest.raises(flags.Error, match=message):
        commandline.parse(PositionalConfig, argv)


@pytest.mark.parametrize(
    ("argv", "rest"),
    [
        (["x", "--other=1", "--tags=3"], ["--other=1"]),
        (["x", "--tags=3", "--other", "y"], ["--other", "y"]),
    ],
)
def test_a_positional_argument_among_those_of_others(argv, rest):
    expected = PositionalConfig(data="x", tags=3)
    assert commandline.parse_known(PositionalConfig, argv) == (expected, rest)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ManyConfig:
    run: str = option(help="a folder")
    compare: tuple[str, ...] = option(("z",), help="others", positional=True)


@pytest.mark.parametrize(
    ("argv", "compare"),
    [
        ([], ("z",)),
        (["--compare", "a", "b", "c"], ("a", "b", "c")),
        (["--compare=a,b"], ("a", "b")),
        (["--compare", '"a,b"', "c"], ("a,b", "c")),
        (["--compare=a", "b", "--run=x", "c"], ("a", "b", "c")),
        (["a", "b"], ("a", "b")),
    ],
)
def test_a_positional_option_of_many_takes_them_all(argv, compare):
    config = commandline.parse(ManyConfig, ["--run=x", *argv])
    assert config == ManyConfig(run="x", compare=compare)


def run_command(*argv, module="tagkeras.synthetic"):
    command = [sys.executable, "-m", module, *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_real_command_says_one_line_and_exits_with_2():
    done = run_command("--output=x", "--posts=many")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("python -m tagkeras.synthetic: flag --posts=many:")


def test_help_is_no_failure_and_names_the_positional_flag():
    done = run_command("--help", module="tagkeras.compare")
    assert done.returncode == 0
    assert "may also be given as positional arguments" in " ".join(done.stdout.split())
