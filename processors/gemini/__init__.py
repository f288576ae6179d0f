"""Gemini Live: settings, model profiles, and the link to the model."""
