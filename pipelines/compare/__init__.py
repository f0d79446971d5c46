"""A finished run becomes numbers: contenders, how sure we are, time and memory."""
