"""The public checks of backprop, the data that they draw, and the probes that run beside a
student's code.
"""
