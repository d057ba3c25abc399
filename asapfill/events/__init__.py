"""Open Dental's webhooks: keeping our subscriptions, receiving deliveries, and having the office looked at at once."""
