"""The benchmark: cases (what to drag), methods (how), runs over both, and reports.

```python
revel.run(revel.suite("ablation"), revel.study_methods(), "results/ablation")
revel.write_report("results/ablation")
```

`python -m dragstream.revel run ablation --out results/ablation` does the same.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
