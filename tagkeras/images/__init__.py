"""Images: decoding, header checks, and the CNNs that describe them."""
