"""Seats as their volunteers see them: asked, promised, begun, done."""
