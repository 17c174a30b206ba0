"""Where images and their classes come from."""
