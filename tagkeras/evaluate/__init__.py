"""How good the predictions of a split are."""
