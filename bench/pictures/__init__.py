"""How soon a picture is seen, and what it costs: see run.py."""
