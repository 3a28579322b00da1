"""Streams: block-by-block generation, records, live playback, archives and video files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
