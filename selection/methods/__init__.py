"""Selection methods: one file a method, all with one interface."""
