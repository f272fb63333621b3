"""What a training run keeps in its workdir, and how it goes on after an interruption."""
