"""Who is asking and what they may see: tokens, keys, the embedded issuer, policy and audit."""
