"""Data, figures and small tools for 08-ddpm."""
