"""What a user brings to `groove`: a drum track, a groove as text, values a step, wishes."""
