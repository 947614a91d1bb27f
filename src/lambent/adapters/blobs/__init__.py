"""Large bytes as files named by their hash."""
