"""`python -m autograder`: the command `autograder`, where it is not on the path."""

from autograder.cli import main

main()
