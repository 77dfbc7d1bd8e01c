"""What can be asked of an operation: a file a question, each a table keyed by kind."""
