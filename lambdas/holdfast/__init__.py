"""Holdfast: notices what a user nearly did, and says so on an EventBridge bus."""

__version__ = "0.2.0.dev0"
