"""What people read: tables, pages, stories and lists."""
