"""Plans: asked for, made, put in force."""
