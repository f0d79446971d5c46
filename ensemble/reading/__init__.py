"""What users hand over, read and checked: arrays, images, folders, standard input."""
