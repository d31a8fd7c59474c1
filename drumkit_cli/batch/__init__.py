"""Many inputs by one command: folders and lists, workers, a cluster, and restarts."""
