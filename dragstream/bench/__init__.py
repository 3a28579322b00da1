"""Benchmark of a stream's speed and memory over its length: `python -m dragstream.bench`."""
