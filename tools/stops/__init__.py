"""Stops at every file event: what is watched, and the parts that are stopped."""
