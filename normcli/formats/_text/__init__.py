"""What text formats share: cutting streams into rows, inference of types, skipping of bad rows, output."""
