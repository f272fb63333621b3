"""Figures, one a file: functions from plain arrays to a `matplotlib.figure.Figure`.

`tagkeras.report.plotting` saves them or puts them into a page.
"""
