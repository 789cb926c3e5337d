"""The service: residents' requests and volunteers' calendars in, plans in force out."""
