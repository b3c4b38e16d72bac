"""From what somebody asks for to one run and the folder that it leaves."""
