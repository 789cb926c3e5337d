"""Reports: what a day or a period came to, counted from the audit."""
