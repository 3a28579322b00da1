"""The command ``dragstream``: one file for each subcommand, and `main`."""
