"""What `tagkeras.export` puts into a SavedModel."""
