"""The proxy pool: which proxy a request goes through, what is known of each, which one a host has banned."""
