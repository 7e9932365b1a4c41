"""Where bytes come from and go to: files, streams, object stores; whole or not at all."""
