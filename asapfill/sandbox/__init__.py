"""A simulated Open Dental office, served on loopback over real HTTP, for the demo and for tests.

It behaves as Open Dental is known to behave, oddities included, and imports nothing of asapfill but the clock, so that
a wrong idea in our client cannot hide behind the same wrong idea here.

=====================================  ==================================================================
columns, tables                        the database and the office file
changes, staff                         what changes the schedule, with the traces that it leaves
rules, texting, offers, responses      Web Sched ASAP: overlaps, who is texted, POST /asapcomms, acceptance
life                                   time passes
generate …, people …                   made-up offices, patients and staff
lists, slots, shapes, writes, api      the API's resources
faults, log, control, options, world   everything around the office
server, process                        the wire, and the sandbox as a process of its own
=====================================  ==================================================================
"""
