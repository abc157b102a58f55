"""What a learner has without an instructor: progress that is kept, checks at each save, hints, a
map.
"""
