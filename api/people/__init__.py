"""People who use the service: territories, users, keys, and the way in."""
