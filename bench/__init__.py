"""Measurements, never tests: what a step costs, beside what the stock stack pays for the same."""
