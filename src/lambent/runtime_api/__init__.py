"""Floor 5: the HTTP Runtime API that custom runtimes inside an environment speak; it knows no sandbox driver."""
