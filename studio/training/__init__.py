"""How the shipped extractors were trained, as commands that train them again."""

from studio.training.adapt import adapt
from studio.training.denoising import train_denoiser
from studio.training.detecting import train_detector

__all__ = ["adapt", "train_denoiser", "train_detector"]
