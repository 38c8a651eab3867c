"""What a detector does: learning, live runs, and making known what they find."""
