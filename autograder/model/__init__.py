"""The nouns of the kit: topics, notebooks, answers files, reports, class lists; plain data and how
it is read.
"""
