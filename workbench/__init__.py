"""workbench: the book's attacks and trainers for anybody's own photographs.

Intake of folders, cloaking and auditing them, uploads in a notebook, extractors of
other makers, and sweeps. It stands on ``poisonlib`` alone.
"""
