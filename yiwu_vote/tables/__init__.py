"""Tables that people hand in and take away, whatever their columns mean."""
