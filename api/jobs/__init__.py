"""What computes: durable jobs, taken by a worker process, never by the web process."""
