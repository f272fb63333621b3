"""The files that an experiment ends with: results, tables, findings."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from tagkeras.cli import files
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment.dataset_results import DatasetResults
from tagkeras.experiment.experiment_folder import FINDINGS, FINDINGS_TEXT, RESULTS, TABLES
from tagkeras.experiment.finding import Finding
from tagkeras.experiment.runs import Run
from tagkeras.experiment.table_formats import to_csv, to_latex, to_markdown
from tagkeras.experiment.tables import make_table

_COLUMNS = (
    "dataset",
    "ranked_by",
    "embedding_dim",
    "rank",
    "seed",
    "metric",
    "value",
    "low",
    "high",
)


def write_results(folder: Path, runs: Sequence[Run]) -> None:
    """Writes `results.csv`: a line for each metric of each run, and of each baseline.

    `low` and `high` are the ends of the run's own interval, over users.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    seen = set()
    for run in runs:
        metrics = Evaluation.load(folder / run.evaluation).metrics
        size = run.configuration
        for ranking, intervals in metrics["intervals"].items():
            if ranking == MODEL:
                values = metrics
                row = [run.dataset, size.model, size.embedding_dim, size.rank or "", run.seed]
            elif (run.dataset, ranking) in seen:
                continue
            else:
                seen.add((run.dataset, ranking))
                values, row = metrics[ranking], [run.dataset, ranking, "", "", ""]
            for name, (low, high) in intervals.items():
                writer.writerow([*row, name, *(f"{x:.6f}" for x in (values[name], low, high))])
    files.write_text(folder / RESULTS, file.getvalue())


def write_tables(folder: Path, results: Sequence[DatasetResults]) -> dict[str, str]:
    """Writes `tables/DATASET.md`, `.csv` and `.tex`.

    Returns:
        The Markdown of each dataset.
    """
    markdown = {}
    with files.folder_written_aside(folder / TABLES) as aside:
        for data in results:
            table = make_table(data)
            markdown[data.name] = to_markdown(table)
            for suffix, text in (
                ("md", markdown[data.name]),
                ("csv", to_csv(table)),
                ("tex", to_latex(table)),
            ):
                (aside / f"{data.name}.{suffix}").write_text(text, encoding="utf-8")
    return markdown


def write_findings(
    folder: Path,
    results: Sequence[DatasetResults],
    findings: Sequence[Finding],
    untested: Sequence[str],
) -> None:
    """Writes `findings.json` and `findings.md`."""
    content = [finding.to_json() for finding in findings]
    files.write_text(folder / FINDINGS, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    files.write_text(folder / FINDINGS_TEXT, findings_text(results, findings, untested))


def findings_text(
    results: Sequence[DatasetResults], findings: Sequence[Finding], untested: Sequence[str]
) -> str:
    """The findings in Markdown: a table of verdicts, then the numbers."""
    seeds = len(results[0].seeds)
    intervals = "95% intervals over users and seeds"
    if seeds == 1:
        intervals = "95% intervals over users: how far seeds differ is not in them"
    lines = [
        "# The paper's findings on these data",
        "",
        f"{f'{seeds} seeds' if seeds > 1 else 'One seed'}; in brackets {intervals}. *Seen*:"
        " the interval lies on the claim's side of 0; *contrary*: on the other; *not seen*: 0 is"
        " inside; that of single hashtags goes by its exact p-value, below 0.05 or not."
        f" Of these {len(findings)} intervals, one in 20 misses 0 by chance where nothing"
        " is there.",
        "",
        "| claim | data | verdict |",
        "|---|---|---|",
        *(
            f"| {finding.claim} | {', '.join(finding.datasets)} | {finding.verdict} |"
            for finding in findings
        ),
        "",
        *(
            f"- {finding.claim} ({', '.join(finding.datasets)}): **{finding.verdict}**."
            f" {finding.text[0].upper()}{finding.text[1:]}"
            for finding in findings
        ),
    ]
    if untested:
        lines += ["", "Not tested:", "", *(f"- {claim}." for claim in untested)]
    return "\n".join(lines) + "\n"
