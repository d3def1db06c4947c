"""What must survive: processes that are killed, a Redis that is away or forgets, providers that refuse or repeat themselves.

`make faults` runs it (docs/reliability.md); `make test` does not. Every story has a twin with one protection switched off that
must come out broken: a suite that stays green there would measure nothing.
"""
