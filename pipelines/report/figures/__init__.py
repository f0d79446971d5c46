"""One file per picture: values in, SVG out, at the width of a desktop and of a phone."""
