"""What a room uses of the models, what that costs, and what it may cost. Pure."""
