"""Inside `ensemble serve`: limits, reading requests, batching, the page."""
