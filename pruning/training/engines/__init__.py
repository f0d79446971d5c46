"""How a population of networks is run: one engine per file.

`engine` says what every engine offers to the training loop, and finds them; `choosing` says
which of them runs a network best.
"""
