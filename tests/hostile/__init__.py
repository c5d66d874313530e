"""What a hostile site has at hand; tests/system/test_hostile.py and tests/integration/test_address_guard.py use it."""
