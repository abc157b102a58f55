"""Files to hand out, proven to hold nothing secret."""
