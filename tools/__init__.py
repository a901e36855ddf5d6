"""What developers run, and nobody is shipped."""
