"""Grade the grader: prove of a topic's suite that right answers pass and wrong ones are caught and
named.
"""
