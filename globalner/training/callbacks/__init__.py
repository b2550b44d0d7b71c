"""One callback per file; each says when it runs."""

from globalner.training.callbacks.adversarial import AdversarialTraining
from globalner.training.callbacks.dev_evaluation import DevEvaluation, DevOptions
from globalner.training.callbacks.feature_redraw import FeatureRedraw
from globalner.training.callbacks.heldout_evaluation import HeldOutEvaluation
from globalner.training.callbacks.history import History
from globalner.training.callbacks.pretrain_history import PretrainHistory
from globalner.training.callbacks.resume_checkpoint import ResumeCheckpoint
from globalner.training.callbacks.step_seeds import StepSeeds
from globalner.training.callbacks.weight_average import WeightAverage

__all__ = [
    "AdversarialTraining",
    "DevEvaluation",
    "DevOptions",
    "FeatureRedraw",
    "HeldOutEvaluation",
    "History",
    "PretrainHistory",
    "ResumeCheckpoint",
    "StepSeeds",
    "WeightAverage",
]
