"""Load, floods, bad lines and bad viewers, for minutes, against the real command: `make soak`."""
