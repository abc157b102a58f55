"""What an instructor writes: the course file, references, misconceptions, proofs, recordings."""
