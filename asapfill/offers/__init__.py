"""The journal, sending, reconciling, following, commlogs: nothing is sent twice."""
