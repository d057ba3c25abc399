"""The Open Dental API of one office: methods in ``client``, rows in ``models``, what can go wrong in ``errors``."""
