from .base import Context, ModelSpec, Reading, VideoModel
from .causal_config import CausalWanConfig
from .causal_wan import CausalWan
from .loading import available, load

__all__ = [
    "CausalWan",
    "CausalWanConfig",
    "Context",
    "ModelSpec",
    "Reading",
    "VideoModel",
    "available",
    "load",
]
