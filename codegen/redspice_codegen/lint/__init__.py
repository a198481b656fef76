"""What a spec may say but should not: it resolves, yet its messages can mislead a reader or writer.

`walk` pairs the syntax tree, which knows places, with the model, which knows meanings; `rules` is
the table of all rules.
"""
