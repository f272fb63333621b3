"""Ways to rank hashtags without a model, to read a model's metrics beside."""
