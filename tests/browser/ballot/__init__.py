"""The ballot in Chromium, from the first tick to the receipt."""
