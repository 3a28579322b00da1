from .drag_canvas import DragCanvas
from .drift_plot import DriftPlot
from .entries import Entry
from .feature_view import FeatureView
from .studio import Studio
from .timeline import Timeline

__all__ = ["DragCanvas", "DriftPlot", "Entry", "FeatureView", "Studio", "Timeline"]
