"""How fast a stream runs, and whether its length costs anything: `python -m dragstream.bench`."""
