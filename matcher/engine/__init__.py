"""How plans are found. Callers come in by `matcher.solve`; nothing here is needed to read or judge a plan."""
