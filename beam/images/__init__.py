"""Reading, decoding and describing images."""
