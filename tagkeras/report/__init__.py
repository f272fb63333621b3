"""`python -m tagkeras.report`: one HTML page about one or more runs, and its figures as files.

It needs the packages of the extra `report`: jinja2, matplotlib and scikit-learn.
"""
