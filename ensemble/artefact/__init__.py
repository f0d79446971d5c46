"""The folder of an ensemble: ``ensemble.json`` and one safetensors file per member."""
