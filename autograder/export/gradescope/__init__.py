"""Gradescope: a grader packed for its containers, and the code that runs in them."""
