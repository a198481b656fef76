"""What the generated code is measured beside: three messages by hand and in construct."""
