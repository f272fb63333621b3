"""The paper's table, from statistics by hand, in three formats."""

import csv
import io
import re

from experiment_helpers import make_results, spread

from tagkeras.experiment.spec import Configuration
from tagkeras.experiment.tables import PAPER, make_table

D64, K100 = Configuration("bilinear", 64), Configuration("multiplicative", 64, 100)


def baseline(value):
    return {metric: spread(value, 0.01) for metric in ("P@1", "R@10", "A@10")}


def make(name="natural", **options):
    baselines = {
        "oracle": baseline(0.6),
        "frequency_baseline": baseline(0.125),
        "neighbour_baseline": baseline(0.1),
    }
    models = {K100: 0.5, D64: 0.25, "user_biased": 0.375}
    return make_table(make_results(models, name=name, baselines=baselines, **options))


def test_markdown():
    none, rows = ("", "", ""), []
    for label, value, paper in (
        ("frequency baseline |  | ", 12.5, ("3.04%", "5.63%", "9.45%")),
        ("neighbour baseline |  | ", 10, none),
        ("bilinear | 64 | ", 25, ("7.37%", "11.71%", "18.69%")),
        ("user-biased | 8 | ", 37.5, none),
        ("3-way mult. | 64 | 100", 50, ("9.03%", "13.81%", "22.04%")),
        ("oracle: image and user |  | ", 60, none),
    ):
        ours = [f"{value:.2f}% [{value - 1:.2f}, {value + 1:.2f}]"] * 3
        rows.append(f"| {' | '.join([label, *ours, *paper])} |\n")
    assert make().markdown() == (
        "natural: 100 posts of 10 users that were not trained on, natural distribution; models:"
        " means over 2 seeds; 95% intervals over users and seeds.\n"
        "\n"
        "| method | d | K | P@1 | R@10 | A@10 | paper P@1 | paper R@10 | paper A@10 |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    ) + "".join(rows)


def test_the_paper_has_no_numbers_of_balanced_data():
    table = make("balanced", seeds=(4,))
    for text in (table.markdown(), table.csv(), table.latex()):
        assert "paper" not in text
    assert "models: one seed; 95% intervals over users" in table.caption


def test_latex():
    lines = make().latex().splitlines()
    assert lines[2] == (
        r"\caption{natural: 100 posts of 10 users that were not trained on, natural distribution;"
        r" models: means over 2 seeds; 95\% intervals over users and seeds.}"
    )
    assert lines[3] == r"\begin{tabular}{lrrrrrrrr}"
    assert lines[5] == (r" & & & \multicolumn{3}{c}{here} & \multicolumn{3}{c}{in the paper} \\")
    assert lines[6] == r"\cmidrule(lr){4-6} \cmidrule(lr){7-9}"
    assert lines[7] == r"method & $d$ & $K$ & P@1 & R@10 & A@10 & P@1 & R@10 & A@10 \\"
    interval = r"25.00\% {\scriptsize [24.00, 26.00]}"
    assert lines[11] == (
        rf"bilinear & 64 &  & {interval} & {interval} & {interval} & 7.37\% & 11.71\% & 18.69\% \\"
    )
    # Each row has as many cells as the table columns.
    cells = [len(re.findall(r"(?<!\\)&", line)) for line in lines if line.endswith(r"\\")]
    assert cells == [4, *[8] * 7]


def test_the_papers_numbers():
    assert len(PAPER) == 1 + 4 + 4 + 5
    assert PAPER[Configuration("user_biased", 512)] == {
        "P@1": 0.0798,
        "R@10": 0.1251,
        "A@10": 0.2005,
    }
    assert PAPER[Configuration("multiplicative", 64, 400)]["P@1"] == 0.0896


def test_csv():
    heads, *rows = csv.reader(io.StringIO(make().csv()))
    assert heads[:8] == ["method", "d", "K", "P@1", "P@1 low", "P@1 high", "P@1 paper", "R@10"]
    assert rows[2][:3] == ["bilinear", "64", ""]
    assert [float(cell) for cell in rows[2][7:11]] == [0.25, 0.24, 0.26, 0.1171]
    assert rows[1][10] == ""
