"""Which teams are looked at, how they are counted, and which of them stand."""
