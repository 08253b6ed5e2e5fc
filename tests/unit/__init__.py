"""One file per module: what each promises, on small examples."""
