"""Compares two evaluations on the same posts: is the second run better, or is it chance?

    python -m tagkeras.compare EVAL OTHER_EVAL

Both are folders that `tagkeras.evaluate` wrote. Prints, for each metric, both values, the
difference with its 95% interval (bootstrap over users) and a p-value (paired permutation test over
users).
"""

import dataclasses
import json
from typing import TYPE_CHECKING

from rich.console import Console

from tagkeras.cli.commandline import option, run
from tagkeras.cli.console import number_table
from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from tagkeras.evaluate.comparison import Difference
    from tagkeras.evaluate.evaluation import Evaluation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    evaluations: tuple[str, ...] = option(
        help="two folders of tagkeras.evaluate, the one to compare with first", positional=True
    )
    json: bool = option(False, help="print JSON, fractions in [0, 1], in place of a table")
    bootstrap_samples: int = option(
        1000, help="resamples of users, for the intervals", minimum=100, maximum=10**6
    )
    seed: int = option(0, help="of the draws", minimum=0)


def print_table(
    first: "Evaluation", second: "Evaluation", differences: "dict[str, Difference]"
) -> None:
    """Prints a row for each metric."""
    console = Console()
    console.print(
        f"{first.metrics['num_posts']:,} posts of the {first.metrics['split']} split\n"
        f"first:  {first.path}\nsecond: {second.path}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    table = number_table("", "first", "second", "difference", "95% interval", "p")
    for name, found in differences.items():
        table.add_row(
            name,
            f"{100 * found.first:.2f}%",
            f"{100 * found.second:.2f}%",
            f"{100 * found.difference:+.2f}",
            f"{100 * found.low:+.2f} to {100 * found.high:+.2f}",
            f"{found.p_value:.4f}",
        )
    console.print(table)


def main(config: Config) -> None:
    """Compares and prints."""
    from tagkeras.evaluate.comparison import compare
    from tagkeras.evaluate.evaluation import Evaluation

    if len(config.evaluations) != 2:
        raise UserError(f"give two folders of tagkeras.evaluate, not {len(config.evaluations)}")
    first, second = map(Evaluation.load, config.evaluations)
    differences = compare(first, second, samples=config.bootstrap_samples, seed=config.seed)
    if config.json:
        print(json.dumps({name: dataclasses.asdict(d) for name, d in differences.items()}))
    else:
        print_table(first, second, differences)


if __name__ == "__main__":
    run(main, Config)
