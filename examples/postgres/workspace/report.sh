#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An agent that reads the orders with the role it was leased, and finds that the role can do nothing else.
set -u
database=$(cat "$REMIT_CREDENTIALS/orders-db")
query() { psql --no-psqlrc --quiet --tuples-only --no-align "$database" -c "$1"; }

echo "I am the role $(query 'SELECT current_user')"
query "SELECT 'total: ' || count(*) || ' orders, ' || sum(cents) || ' cents' FROM orders
       WHERE placed > now() - interval '7 days'" | tee report.txt
for attempt in "DELETE FROM orders" "SELECT * FROM customers" "CREATE ROLE intruder SUPERUSER"; do
    printf '%s: ' "$attempt"
    query "$attempt" 2>&1 | head -n 1
done
