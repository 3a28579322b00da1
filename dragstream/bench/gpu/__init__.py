"""All measurements on a GPU in one command: `python -m dragstream.bench gpu --out FOLDER`.

`parts` lists what is measured. `runner` runs the parts in a process of their own (`child`), writes
the figures and the table after each, and skips what was measured before.
"""
