"""Local HTTP servers that behave like the outside services, faults included; the only fakes in the tests."""
