"""Training a population: recipe, loop, engines, augmentation, data on a device."""
