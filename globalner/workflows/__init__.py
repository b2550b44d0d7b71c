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
    from globalner.workflows.data_map_labels import map_labels as map_labels
    from globalner.workflows.data_map_labels import read_label_mapping as read_label_mapping
    from globalner.workflows.data_merge import MergeOptions as MergeOptions
    from globalner.workflows.data_merge import merge_files as merge_files
    from globalner.workflows.data_repair import RepairOptions as RepairOptions
    from globalner.workflows.data_repair import repair_file as repair_file
    from globalner.workflows.data_sets import GetOptions as GetOptions
    from globalner.workflows.data_sets import GotDataSet as GotDataSet
    from globalner.workflows.data_sets import get_data_set as get_data_set
    from globalner.workflows.data_sets import list_data_sets as list_data_sets
    from globalner.workflows.data_split import SplitOptions as SplitOptions
    from globalner.workflows.data_split import SplitResult as SplitResult
    from globalner.workflows.data_split import split_file as split_file
    from globalner.workflows.data_stats import DataStatistics as DataStatistics
    from globalner.workflows.data_stats import FileStatistics as FileStatistics
    from globalner.workflows.data_stats import StatisticsOptions as StatisticsOptions
    from globalner.workflows.data_stats import data_statistics as data_statistics
    from globalner.workflows.data_validate import validate_files as validate_files
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
    "DataStatistics": "data_stats",
    "DemoResult": "demo",
    "Evaluation": "evaluate",
    "FileForm": "file_form",
    "FileStatistics": "data_stats",
    "FormatDescription": "data_formats",
    "GetOptions": "data_sets",
    "GotDataSet": "data_sets",
    "MergeOptions": "data_merge",
    "PredictOptions": "predict",
    "PretrainedRun": "pretrain",
    "ProfileOptions": "profile",
    "RepairOptions": "data_repair",
    "RunOptions": "train",
    "SplitOptions": "data_split",
    "SplitResult": "data_split",
    "StatisticsOptions": "data_stats",
    "TrainedRun": "train",
    "convert_file": "convert",
    "data_statistics": "data_stats",
    "describe_formats": "data_formats",
    "evaluate_file": "evaluate",
    "get_data_set": "data_sets",
    "list_data_sets": "data_sets",
    "map_labels": "data_map_labels",
    "merge_files": "data_merge",
    "predict_documents": "predict",
    "pretrain_recipe": "pretrain",
    "profile_recipe": "profile",
    "read_inputs": "predict",
    "read_label_mapping": "data_map_labels",
    "repair_file": "data_repair",
    "run_demo": "demo",
    "split_file": "data_split",
    "train_recipe": "train",
    "validate_files": "data_validate",
    "write_predictions": "predict",
}

__all__ = sorted(_FILE_OF)


def __getattr__(name: str) -> object:
    if name not in _FILE_OF:
        raise AttributeError(f"module 'globalner.workflows' has no attribute {name!r}")
    return getattr(import_module(f"globalner.workflows.{_FILE_OF[name]}"), name)
