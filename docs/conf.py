"""The guides as a site: `make docs`. A warning is an error, and no page asks the network for
anything.
"""

project = "Deep learning from first principles"
extensions = ["myst_parser"]
highlight_language = "text"  # a block that names no language is output, not Python
myst_heading_anchors = 3

html_theme = "furo"
html_title = project
html_permalinks_icon = "#"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
