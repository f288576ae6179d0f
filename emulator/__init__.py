"""A local stand-in for Gemini's wire, for anyone who builds on google-genai.

It serves the Live websocket and the image endpoints over TLS on one port. It shares no code with
the service that lives beside it, so it can be taken along alone. `docs/emulator.md` is the guide.
"""
