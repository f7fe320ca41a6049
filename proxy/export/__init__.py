"""Mended turns as data for fine-tuning."""
