"""What starts the two processes, watches over them and remembers what the module begins with."""
