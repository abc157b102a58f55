"""The nbgrader side: nbgrader releases, collects and keeps the gradebook; these classes add ours."""
