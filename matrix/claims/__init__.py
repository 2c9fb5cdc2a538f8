"""Sentences of documents, evaluated against cells."""
