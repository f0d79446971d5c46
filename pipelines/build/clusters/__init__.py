"""The groups of a build on the workers of a cluster that is there: Dask's or Ray's."""
