"""A simulated Open Dental office, served on loopback over real HTTP, for the demo and for tests.

It behaves as Open Dental is known to behave, oddities included, and imports nothing of asapfill but the clock, so that
a wrong idea in our client cannot hide behind the same wrong idea here. Each folder uses those below it:

========  ====================================================================================
wire      HTTP, faults, the log of what was posted, the sandbox as a process of its own
generate  made-up offices: staff, patients, a full appointment book, an ASAP list
api       the API's resources: lists, single rows, writes, and the events of subscriptions
office    the database, the schedule's rules, Web Sched ASAP, and what people do as time passes
========  ====================================================================================
"""
