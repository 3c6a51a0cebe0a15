"""Parts of check_stops.py and check_shared_index.py: file events, and commands to stop."""
