"""New hashtags for a trained model, from a few example posts each."""
