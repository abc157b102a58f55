"""The public checks, one suite a topic. Secret are only the seed of their inputs and the
reference.
"""
