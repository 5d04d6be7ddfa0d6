"""How many records usually belong to another: what an estimate goes by where nobody can know.

They are on the SDL as `@listSize(assumedSize)`. An answer that holds more is charged for after it.
"""

from __future__ import annotations

ORDERS_OF_A_CUSTOMER = 10
PAYMENTS_OF_AN_ORDER = 2
PAYMENTS_OF_A_CUSTOMER = ORDERS_OF_A_CUSTOMER * PAYMENTS_OF_AN_ORDER
REFUNDS_OF_A_PAYMENT = 1
REFUNDS_OF_AN_ORDER = PAYMENTS_OF_AN_ORDER * REFUNDS_OF_A_PAYMENT
REFUNDS_OF_A_CUSTOMER = 5
DISPUTES_OF_A_PAYMENT = 1
LINES_OF_AN_ORDER = 5
DEDUCTIONS_OF_A_PAYMENT = 1
CURRENCIES_OF_A_CUSTOMER = 2
LINKS_OF_A_CUSTOMER = 2
SOURCES = 10
MOST_IDS = 100
