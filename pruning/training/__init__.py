"""Training a population: recipe, loop, engines, augmentation, data on a device."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "RECIPES",
    "DeviceData",
    "Epoch",
    "Recipe",
    "Trained",
    "Training",
    "train",
]

if TYPE_CHECKING:
    from pruning.training.device_data import DeviceData
    from pruning.training.recipe import RECIPES, Recipe
    from pruning.training.trained import Epoch, Trained
    from pruning.training.training_loop import Training, train
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.training.device_data": ("DeviceData",),
            "pruning.training.recipe": ("RECIPES", "Recipe"),
            "pruning.training.trained": ("Epoch", "Trained"),
            "pruning.training.training_loop": ("Training", "train"),
        },
    )
