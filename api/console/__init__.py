"""Two plain pages: the plan of the day for the dispatcher, the own schedule for a volunteer's phone."""
