"""Data, figures and small tools for 06-bptt."""
