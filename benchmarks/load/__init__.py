"""How long people wait while everybody works at once: the service as it is served, asked over HTTP alone."""
