"""`python -m autograder`: the command `autograder`, where it is not on the path."""

from autograder.cli.main import main

main()
