"""How the shipped weights are made. Needs public data that is not part of the program; nothing outside imports this."""
