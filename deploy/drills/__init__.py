"""Failures, practised on real servers."""
