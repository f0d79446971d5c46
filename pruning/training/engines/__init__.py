"""How a population of networks is run: one engine a file.

`choice` says which networks can share an engine and which engine a processor runs best;
`engine` says what every engine offers to the training loop.
"""
