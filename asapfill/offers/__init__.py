"""Offers: their life, the journal that keeps anything from being sent twice, sending, and what became of them."""
