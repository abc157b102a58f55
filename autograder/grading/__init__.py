"""From a suite, an answers file and a student's code to a Report."""
