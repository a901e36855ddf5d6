"""The shell: everything that touches AWS, the clock or the environment."""
