"""Figures of the book: one way to show them, one visual language.

``show`` displays a plotly figure wherever the chapter is read; ``theme`` defines what each colour
and marker means. ``quiz`` asks questions and comments on every answer.
"""

from poisonlib.figures import theme
from poisonlib.figures.bars import bars
from poisonlib.figures.curves import curves
from poisonlib.figures.grid import grid
from poisonlib.figures.quiz import Option, Question, quiz
from poisonlib.figures.rates import rates, series_looks
from poisonlib.figures.show import show
from poisonlib.figures.tables import table

__all__ = [
    "Option",
    "Question",
    "bars",
    "curves",
    "grid",
    "quiz",
    "rates",
    "series_looks",
    "show",
    "table",
    "theme",
]
