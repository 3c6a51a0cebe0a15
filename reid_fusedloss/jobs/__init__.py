"""What the commands do: `run(args)` of each module, with the arguments of its neighbour in `commands`."""
