"""What every room needs: errors, registries, seeds, code of the user's own."""
