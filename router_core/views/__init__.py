"""What pages ask of the log: filters, costs, learning, budgets, prices, previews.

Tables out, no charts (charts/) and no SQL (store/).
"""
