"""How the shipped networks were trained, so that they can be trained again."""

from studio.training.adapt import adapt
from studio.training.denoiser import train_denoiser
from studio.training.detector import train_detector
from studio.training.extractor import train
from studio.training.fit import fit

__all__ = ["adapt", "fit", "train", "train_denoiser", "train_detector"]
