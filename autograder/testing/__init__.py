"""What a suite imports: assertions, the student and its calls, gradients, trainings, marks."""
