"""Inspection: what is in a dataset, and whether all of it is as its manifest says."""
