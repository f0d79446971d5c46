"""Selection methods: one file per method, all with one interface."""
