"""Programs beside which this one is measured or tested, each started as its own documentation says."""
