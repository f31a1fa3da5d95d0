"""What travels between the rooms: plain data, no I/O, standard library and NumPy only."""
