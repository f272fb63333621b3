import numpy as np
import pytest
from figure_texts import lines_with_marker, texts_of

from tagkeras.cli.errors import UserError
from tagkeras.report.figures.dimension_sweep import draw_dimension_sweep
from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.group_metrics import (
    GroupEstimate,
    draw_group_metrics,
    group_estimates,
)
from tagkeras.report.figures.overall_metrics import draw_overall_metrics
from tagkeras.report.figures.prediction_entropy import draw_prediction_entropy
from tagkeras.report.figures.read_history import read_history
from tagkeras.report.figures.training_curves import draw_training_curves

HISTORY = """epoch,loss,val_A@10,val_P@1,val_R@10,learning_rate
1,0.9,0.5,0.1,0.3,0.1
2,0.7,0.6,0.2,0.4,0.1
"""


class TestTrainingCurves:
    def test_reads_and_draws_a_history(self, tmp_path):
        (tmp_path / "history.csv").write_text(HISTORY)
        history = read_history(tmp_path / "history.csv")
        figure = draw_training_curves({"bilinear": history, "multiplicative": history})

        np.testing.assert_array_equal(history["val_P@1"], [0.1, 0.2])
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert titles == ["loss", "validation P@1", "validation R@10", "validation A@10"]
        assert all(len(axes.lines) == 2 for axes in figure.axes)
        np.testing.assert_array_equal(figure.axes[2].lines[0].get_ydata(), [0.3, 0.4])
        assert {"bilinear", "multiplicative", "epoch", "loss"} <= set(texts_of(figure))

    def test_one_epoch_and_a_run_without_validation(self):
        history = {"epoch": np.array([1.0]), "loss": np.array([0.5])}
        figure = draw_training_curves({"bilinear": history})
        assert [axes.get_visible() for axes in figure.axes] == [True, False]
        assert "epoch" in texts_of(figure)

    @pytest.mark.parametrize("histories", [{}, {"a": {}}, {"a": {"epoch": np.array([])}}])
    def test_refuses_nothing(self, histories):
        with pytest.raises(ValueError, match="to draw"):
            draw_training_curves(histories)

    @pytest.mark.parametrize(
        "text",
        ["", "epoch,loss\n1\n", "epoch,loss\n1,x\n", "loss\n1\n", 'epoch,loss\n1,"2\n', "\x00"],
    )
    def test_refuses_a_damaged_history(self, tmp_path, text):
        (tmp_path / "history.csv").write_text(text)
        with pytest.raises(UserError, match="is damaged"):
            read_history(tmp_path / "history.csv")

    def test_names_a_missing_history(self, tmp_path):
        with pytest.raises(UserError, match="name the workdir"):
            read_history(tmp_path / "history.csv")


class TestOverallMetrics:
    def test_a_row_a_name_with_its_number(self):
        values = {
            "frequency_baseline": Estimate(0.137),
            "multiplicative": Estimate(0.343, 0.33, 0.35),
        }
        figure = draw_overall_metrics({"P@1": values, "entropy@10": {"bilinear": Estimate(5.5)}})
        top, bottom = figure.axes

        assert [label.get_text() for label in top.get_yticklabels()] == [
            "frequency baseline",
            "multiplicative",
        ]
        (whisker,) = [line for line in top.lines if list(line.get_xdata()) == [0.33, 0.35]]
        assert list(whisker.get_ydata()) == [1, 1]
        assert len(lines_with_marker(top, "o")) == 1
        assert top.get_xlim()[0] == 0
        assert bottom.get_title(loc="left") == "entropy@10 (bits)"
        assert {"13.7%", "34.3%", "5.50"} <= set(texts_of(figure))

    @pytest.mark.parametrize("metrics", [{}, {"P@1": {}}])
    def test_refuses_nothing(self, metrics):
        with pytest.raises(ValueError, match="no metrics to draw"):
            draw_overall_metrics(metrics)


class TestGroupMetrics:
    ROWS = ({"group": "18-24", "posts": 1234, "P@1": 0.3, "intervals": {"P@1": [0.2, 0.4]}},)

    def test_takes_a_metric_out_of_the_groups(self):
        assert group_estimates(self.ROWS, "P@1") == [
            GroupEstimate("18-24", 1234, Estimate(0.3, 0.2, 0.4))
        ]

    def test_a_panel_an_attribute_and_a_dot_a_model(self):
        items = group_estimates(self.ROWS, "P@1")
        more = [*items, GroupEstimate("unknown", 7, Estimate(0.1))]
        figure = draw_group_metrics(
            "P@1",
            {"age": {"bilinear": items, "multiplicative": more}, "gender": {"bilinear": more}},
        )
        age, gender = figure.axes

        assert [label.get_text() for label in age.get_yticklabels()] == [
            "18-24 (1.23k)",
            "unknown (7)",
        ]
        assert len(lines_with_marker(age, "s")) == 1
        assert len(lines_with_marker(age, "o")) == 2
        assert len(lines_with_marker(gender, "s")) == 2
        # Models lie beside each other, not on each other.
        assert (
            lines_with_marker(age, "s")[0].get_ydata() < lines_with_marker(age, "o")[0].get_ydata()
        )

    @pytest.mark.parametrize("attributes", [{}, {"age": {}}, {"age": {"bilinear": []}}])
    def test_refuses_nothing(self, attributes):
        with pytest.raises(ValueError, match="to draw"):
            draw_group_metrics("P@1", attributes)


class TestDimensionSweep:
    def test_a_line_a_model_through_all_sizes(self):
        of_d = {128: Estimate(0.3, 0.2, 0.4), 64: Estimate(0.25)}
        figure = draw_dimension_sweep(
            "R@10",
            {"natural": {"bilinear": of_d, "multiplicative": of_d}, "balanced": {"bilinear": of_d}},
        )
        natural, balanced = figure.axes

        (line,) = lines_with_marker(balanced, "s")
        np.testing.assert_allclose(line.get_xdata(), [64, 128])
        np.testing.assert_allclose(line.get_ydata(), [0.25, 0.3])
        assert len(lines_with_marker(natural, "o")) == 1
        assert {"64", "128", "embedding size d", "R@10", "natural", "balanced"} <= set(
            texts_of(figure)
        )

    @pytest.mark.parametrize("datasets", [{}, {"natural": {}}, {"natural": {"bilinear": {}}}])
    def test_refuses_nothing(self, datasets):
        with pytest.raises(ValueError, match="no runs to draw"):
            draw_dimension_sweep("R@10", datasets)


class TestPredictionEntropy:
    def test_bars_of_all_panels_begin_at_zero_on_one_scale(self):
        figure = draw_prediction_entropy(
            {
                "natural": {"bilinear": Estimate(4.0), "multiplicative": Estimate(5.0, 4.9, 5.1)},
                "balanced": {"bilinear": Estimate(7.5)},
            }
        )
        natural, balanced = figure.axes
        assert [bar.get_width() for bar in natural.patches] == [4.0, 5.0]
        assert [bar.get_width() for bar in balanced.patches] == [7.5]
        assert natural.get_xlim() == balanced.get_xlim()
        assert natural.get_xlim()[0] == 0
        assert natural.get_xlim()[1] > 7.5
        assert "7.50" in texts_of(figure)

    def test_refuses_nothing(self):
        with pytest.raises(ValueError, match="no entropies to draw"):
            draw_prediction_entropy({})
