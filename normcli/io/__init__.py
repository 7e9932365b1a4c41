"""Reading and writing bytes: files, streams and object stores. Outputs are replaced atomically."""
