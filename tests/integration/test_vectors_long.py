# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 2400
# Labels: long
"""As test_vectors.py, for longer, with two guests, on more hosts."""

import unittest

from test_vectors import Vectors

HOSTS = [dict(kernel="6.12", la57=True, smp=2), dict(kernel="6.1", la57=False, smp=1)]


class Long(Vectors):
    test_host_and_guest_at_once = None

    def test_two_guests_on_each_host(self):
        for options in HOSTS:
            with self.subTest(**options):
                self.check(300, 2, **options)


if __name__ == "__main__":
    del Vectors  # its own test runs in test_vectors.py
    unittest.main(verbosity=2)
