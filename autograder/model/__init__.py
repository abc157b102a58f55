"""The nouns of the kit, as plain data: topics, notebooks, answers files, reports, class lists."""
