"""What an instructor writes and keeps: the course file, references, banks of misconceptions,
proofs, recordings.
"""
