"""The studio in marimo: `marimo edit examples/marimo_studio.py`."""

import marimo

app = marimo.App(width="full", app_title="DragStream")


@app.cell
def _():
    import marimo as mo

    import dragstream as ds
    from dragstream.models.playground import draw
    from dragstream.widgets import Studio

    return Studio, draw, ds, mo


@app.cell
def _(Studio, draw, ds):
    prompt = "a red critter rests beside a blue box in a meadow"
    stream = ds.Stream(ds.load("playground"), prompt, seed=2, image=draw(prompt, seed=41))
    stream.run(2, progress=False)
    studio = Studio(stream)
    studio  # the whole studio: play, paint, pull, animate or edit
    return (studio,)


@app.cell
def _(mo, studio):
    canvas = mo.ui.anywidget(studio.canvas)  # cells that name it run again after each drag
    return (canvas,)


@app.cell
def _(canvas, mo):
    mo.vstack(
        [
            mo.md(f"Drags on the canvas: **{len(canvas.drags)}**"),
            *(mo.md(f"`{drag.motion}`") for drag in canvas.drags),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
