"""The application: settings, rooms, and what joins transports to processors."""
