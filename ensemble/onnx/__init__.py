"""The ensemble as one ONNX file: making it, making it int8, running it without torch."""
