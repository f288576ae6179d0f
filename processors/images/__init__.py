"""Images: their settings, the image model's client, and the tree of what was made."""
