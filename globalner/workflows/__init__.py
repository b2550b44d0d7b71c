"""What each verb does, as a plain function with typed arguments and a returned value. Loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from globalner.workflows.convert import ConversionResult as ConversionResult
    from globalner.workflows.convert import ConvertOptions as ConvertOptions
    from globalner.workflows.convert import convert_file as convert_file
    from globalner.workflows.data_formats import FormatDescription as FormatDescription
    from globalner.workflows.data_formats import describe_formats as describe_formats
    from globalner.workflows.demo import DemoResult as DemoResult
    from globalner.workflows.demo import run_demo as run_demo
    from globalner.workflows.evaluate import Evaluation as Evaluation
    from globalner.workflows.evaluate import evaluate_file as evaluate_file
    from globalner.workflows.file_form import FileForm as FileForm
    from globalner.workflows.predict import PredictOptions as PredictOptions
    from globalner.workflows.predict import predict_documents as predict_documents
    from globalner.workflows.predict import read_inputs as read_inputs
    from globalner.workflows.predict import write_predictions as write_predictions
    from globalner.workflows.pretrain import PretrainedRun as PretrainedRun
    from globalner.workflows.pretrain import pretrain_recipe as pretrain_recipe
    from globalner.workflows.profile import ProfileOptions as ProfileOptions
    from globalner.workflows.profile import profile_recipe as profile_recipe
    from globalner.workflows.train import RunOptions as RunOptions
    from globalner.workflows.train import TrainedRun as TrainedRun
    from globalner.workflows.train import train_recipe as train_recipe

_FILE_OF = {
    "ConversionResult": "convert",
    "ConvertOptions": "convert",
    "DemoResult": "demo",
    "Evaluation": "evaluate",
    "FileForm": "file_form",
    "FormatDescription": "data_formats",
    "PredictOptions": "predict",
    "PretrainedRun": "pretrain",
    "ProfileOptions": "profile",
    "RunOptions": "train",
    "TrainedRun": "train",
    "convert_file": "convert",
    "describe_formats": "data_formats",
    "evaluate_file": "evaluate",
    "predict_documents": "predict",
    "pretrain_recipe": "pretrain",
    "profile_recipe": "profile",
    "read_inputs": "predict",
    "run_demo": "demo",
    "train_recipe": "train",
    "write_predictions": "predict",
}

__all__ = sorted(_FILE_OF)


def __getattr__(name: str) -> object:
    if name not in _FILE_OF:
        raise AttributeError(f"module 'globalner.workflows' has no attribute {name!r}")
    return getattr(import_module(f"globalner.workflows.{_FILE_OF[name]}"), name)
