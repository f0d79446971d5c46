"""Files written whole, content that carries its own checksum, JSON read with suspicion."""
