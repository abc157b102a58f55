"""nbgrader's side: it releases, collects and keeps the gradebook; these classes put our verdicts
into it.
"""
