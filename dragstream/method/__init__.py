"""The method: latent region optimisation, its rectification, and the choice of frequencies.

One file an idea: `optimization` runs the iterations, `objective` is what they lower,
`rectification`, `frequency` and `focus` are the parts that `settings` switches, and `parts` says
what is asked of one's own.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
