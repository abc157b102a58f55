"""Where a student's code runs, and what keeps it from everything else."""
