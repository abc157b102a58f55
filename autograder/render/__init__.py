"""Renderers. Each reads only the Report."""
