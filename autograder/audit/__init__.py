"""Grade the grader: prove that a suite passes right answers and catches and names wrong ones."""
