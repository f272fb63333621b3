"""What every command shares: flags, errors, progress, files written whole."""
