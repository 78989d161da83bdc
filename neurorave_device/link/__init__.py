"""What crosses between the sound process and the face process, in shared memory and through a pipe."""
