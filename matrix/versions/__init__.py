"""Since which version a case behaves as it does."""
