"""Totals of orders, in cents."""


def total(items):
    """The sum of price times quantity; prices are strings such as "0.29"."""
    return sum(int(float(price) * 100) * quantity for price, quantity in items)
