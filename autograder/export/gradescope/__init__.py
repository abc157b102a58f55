"""Gradescope's side: a grader packed for its containers, and what runs there."""
