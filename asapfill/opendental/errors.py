"""What can go wrong between asapfill and an office, as one small tree.

::

    OpenDentalError
    ├── NotSent                 the request never left, or never reached the office: nothing happened there
    │   └── Unreachable         no address of the office answered
    ├── Answered                the office answered, and the answer is no
    │   ├── WrongKey            401: the key is wrong, disabled, or not enabled by the office
    │   ├── MissingPermission   401: the key is right, this permission is missing
    │   ├── NotFound            404: no such row
    │   ├── TooOld              this Open Dental does not know the resource or method yet
    │   ├── Throttled           429, or words to that effect, after all retries
    │   └── Refused             400 and whatever else says no
    └── Unknown                 no clear answer: the request may or may not have taken effect
        └── NotOpenDental       an answer that no Open Dental API gives (HTML, a broken list)

A read may be repeated after any of them. A POST may be repeated only after NotSent; after Unknown the
journal has to find out first.
"""
