"""The work of the commands: `run(args)` of each module, with the arguments of `commands`."""
