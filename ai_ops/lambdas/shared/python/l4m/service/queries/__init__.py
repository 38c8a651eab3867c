"""What is asked of a detector: anomalies, executions, quality, samples, feedback."""
