"""The public checks of attention, the data that they draw, and the probes that run beside a
student's code.
"""
