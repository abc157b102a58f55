"""What is handed out, as files that hold nothing that must stay."""
