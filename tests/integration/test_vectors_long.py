# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 2400
# Labels: long
"""As test_vectors.py, for longer, with two guests, on more hosts."""

import unittest

import test_vectors  # not its class, whose own test would run here too

HOSTS = [dict(kernel="6.12", la57=True, smp=2), dict(kernel="6.1", la57=False, smp=1)]


class Long(test_vectors.Vectors):
    test_host_and_guest_at_once = None

    def test_two_guests_on_each_host(self):
        for options in HOSTS:
            with self.subTest(**options):
                self.check(300, 2, **options)


if __name__ == "__main__":
    unittest.main(verbosity=2)
