"""How good drums are: the grader, what it measures, and songs to measure on."""
