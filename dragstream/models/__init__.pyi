from .base import Context, ModelSpec, Reading, VideoModel
from .causal_config import CausalWanConfig
from .causal_wan import CausalWan
from .inspection import Inspection, inspect
from .loading import available, load

__all__ = [
    "CausalWan",
    "CausalWanConfig",
    "Context",
    "Inspection",
    "ModelSpec",
    "Reading",
    "VideoModel",
    "available",
    "inspect",
    "load",
]
