"""The models of a server: their versions on disk, loaded, swapped and unloaded."""
