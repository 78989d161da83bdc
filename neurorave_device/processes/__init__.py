"""What any process of the module is made of: starting, places and priorities, working beside the sound."""
