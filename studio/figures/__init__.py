"""Figures that only the scoreboard and the appendix draw."""
