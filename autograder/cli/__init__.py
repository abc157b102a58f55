"""The command `autograder`: one module for each subcommand."""
