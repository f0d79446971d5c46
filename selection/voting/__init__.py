"""How a team votes: one file per vote; NumPy only, used by selection and by the artefact."""

from selection.voting.rule import VOTES, Vote, vote

__all__ = ["VOTES", "Vote", "vote"]
