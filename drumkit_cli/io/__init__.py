"""Bytes in and out of the program, whatever they hold.

Streams and files, where outputs go, batches of inputs, how an output was made (provenance), NPY
arrays, and tables as text or JSON. Nothing else touches stdin and stdout.
"""
