"""One file a picture: values in, SVG out, at the width of a desk and of a phone."""
