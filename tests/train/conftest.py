import pytest
from tiny_dataset import write_dataset
from training_runs import make_config

from tagkeras.train import train


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("train") / "dataset", posts=600)


@pytest.fixture(scope="session")
def trained(dataset, tmp_path_factory):
    return train.train(make_config(dataset, tmp_path_factory.mktemp("runs") / "whole"))
