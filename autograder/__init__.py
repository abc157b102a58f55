"""An autograder for deep learning from first principles."""
