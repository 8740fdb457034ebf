"""Clock, scheduler, worlds and the run loop; knows no venue by name."""
