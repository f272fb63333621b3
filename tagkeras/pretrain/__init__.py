"""A small CNN, trained on labelled images, to describe other images with."""
