"""`python -m autograder`: the command `autograder` where it is not on PATH."""

from autograder.cli.main import main

main()
