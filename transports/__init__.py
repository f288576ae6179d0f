"""Who connects to Easel, and how: signalling, WebRTC peers and their data channels.

Knows nothing of models. Yields Opus packets in order and at most one encoded picture a
second; takes Opus packets and text messages back.
"""
