"""DropNet (Tan & Motani 2020): train, score, drop, rewind, again and again."""
