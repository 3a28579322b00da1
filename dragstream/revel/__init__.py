"""The benchmark: cases (what to drag), methods (how), runs over both, and reports.

```python
from dragstream import revel

revel.run(revel.suite("ablation"), revel.study_methods(), "results/ablation")
revel.write_report("results/ablation")
```

``python -m dragstream.revel run ablation --out results/ablation`` does the same;
``python -m dragstream.revel playground --scenes 24 --seed 0 --json FILE`` measures the packaged
model on held-out scenes of its world with a table of its own.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
