"""Reads what journals hold."""
