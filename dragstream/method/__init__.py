"""The method: latent region optimisation, its rectification, and the choice of frequencies.

Each file implements one idea: `optimization` runs the iterations and defines the loss that they
minimise. `settings` switches `rectification`, `frequency` and `focus` on and off, and
`parts` defines the protocols for custom implementations.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
