import unittest

from orders import total


class TotalTests(unittest.TestCase):
    def test_a_price_that_binary_fractions_miss(self):
        self.assertEqual(total([("0.29", 1)]), 29)

    def test_quantities(self):
        self.assertEqual(total([("1.10", 3), ("0.57", 2)]), 444)


if __name__ == "__main__":
    unittest.main()
