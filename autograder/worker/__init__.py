"""All that shares a process with a student's code: the standard library, NumPy, msgpack, and
nothing else of ours.
"""
