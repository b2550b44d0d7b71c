"""Training with Lightning: one module that wires, one data module, one callback per file, and the run."""

from globalner.training.run import TrainingData, TrainingOptions, TrainingResult, train

__all__ = ["TrainingData", "TrainingOptions", "TrainingResult", "train"]
