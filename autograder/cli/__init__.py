"""The command `autograder`, one module for each of its commands."""
