"""The public Wan models: Self-Forcing, CausVid, Wan 2.1 and their kin.

`load` finds the parts on the hub or in folders and assembles them; `releases` lists the models;
`python -m dragstream.models.wan.tiny` writes a tiny random one in the same layout.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
