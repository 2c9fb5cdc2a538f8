"""How a version of a driver, a middleware or SQLite gets onto this machine."""
