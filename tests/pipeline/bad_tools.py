"""A tools module with a name that the service uses itself."""


def create_image(prompt: str) -> str:
    """Draws otherwise."""
    return prompt
