"""One sample: decoding an image, scaling stored values."""
