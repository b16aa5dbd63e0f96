"""Make strangers' files harmless: read by a strict parser, written anew, with nothing but what is shown."""
