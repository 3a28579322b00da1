from .base import Context, ModelSpec, VideoModel
from .causal_config import CausalWanConfig
from .causal_wan import CausalWan
from .loading import available, load

__all__ = [
    "CausalWan",
    "CausalWanConfig",
    "Context",
    "ModelSpec",
    "VideoModel",
    "available",
    "load",
]
