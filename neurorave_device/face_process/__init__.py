"""The process that the player sees: the face over the link, and the desks that do what it asks for."""
