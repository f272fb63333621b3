"""The WARP ranking loss: negative samplers, rank weights, loss."""
