"""What happens to media and messages on their way between peers and models.

Knows nothing of connections: takes Opus packets, encoded pictures, texts and images, and
gives back Opus packets and frames. Everything here speaks pipecat's frames.
"""
