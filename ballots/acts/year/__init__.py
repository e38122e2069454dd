"""What is done with the adopted projects of a year, from the publication to the close of the year."""
