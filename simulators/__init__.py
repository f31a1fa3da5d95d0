"""Simulated fire sensors: four classes with plausible physics, labelled scenarios, two paces.

They speak the devices' wire formats by themselves and share no code with the program they feed, so that a mistake in
one of the two shows. ``python -m simulators --help`` says how to use them.
"""
