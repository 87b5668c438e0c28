"""What is measured: time, memory, and how real the people look."""
