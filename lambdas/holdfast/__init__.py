"""Holdfast: notices what a user nearly did, and says so on an EventBridge bus."""
