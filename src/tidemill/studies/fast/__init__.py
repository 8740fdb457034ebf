"""The float tier: compiled screens that answer thousands of variants at once, each measured against its exact twin.

Nothing here is booked. What a screen says is used to choose what is played exactly, and its error goes with it.
"""
