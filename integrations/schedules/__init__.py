"""When work starts by itself: declared schedules, loaded into the database, fired by the supervisor."""
